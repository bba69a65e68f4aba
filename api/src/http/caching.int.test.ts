/** Every endpoint of the api's own description, asked so that it succeeds and so that it does not. */
import { listSessionsAnswerSchema, postInviteAnswerSchema } from '@rhizom/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { freshId, INTERNAL_TOKEN, startApi, type TestApi, uuid } from '../testing/test-api.ts'

let database: FreshDatabase
let api: TestApi

beforeAll(async () => {
  database = await freshDatabase()
  api = await startApi({ databaseUrl: database.url })
})

afterAll(async () => {
  await api.stop()
  await database.drop()
})

interface Success {
  path?: string
  /** Made at the moment it is asked. */
  body?: object | (() => Promise<object>)
  /** Somebody else than the guest who asks the rest, with a session to lose. */
  byAnother?: true
  /** Whoever asks, and whatever with, is answered. */
  isForAll?: true
  kept?: 'no-store' | 'public, max-age=300'
}

/** How each endpoint is asked; `{space}` and `{id}` of a path are a space and a mutation that are there. */
const successes: Record<string, Success> = {
  'POST /v1/sessions': { body: { name: 'x' }, kept: 'no-store' },
  'GET /v1/sign-in': { isForAll: true },
  'GET /.well-known/jwks.json': { isForAll: true, kept: 'public, max-age=300' },
  'GET /v1/sessions': {},
  'GET /v1/sessions/current': {},
  'DELETE /v1/sessions/current': { byAnother: true },
  'DELETE /v1/sessions/{id}': { byAnother: true },
  'POST /v1/sessions/renew': {
    body: async () => ({ renewal: (await api.signIn('Renewed')).renewal }),
    kept: 'no-store',
  },
  'POST /v1/sessions/current/refresh': { kept: 'no-store' },
  'GET /v1/spaces': {},
  'GET /v1/spaces/{space}': {},
  'GET /v1/spaces/{space}/changes': { path: '?epoch={epoch}&after=0' },
  'GET /v1/spaces/{space}/intentions': {},
  'GET /v1/spaces/{space}/beings': {},
  'GET /v1/spaces/{space}/presence': {},
  'POST /v1/spaces/{space}/signals': { body: { name: 'x' } },
  'POST /v1/spaces/{space}/invites': { body: { role: 'member' }, kept: 'no-store' },
  'GET /v1/spaces/{space}/invites': {},
  'DELETE /v1/spaces/{space}/invites/{invite}': {},
  'POST /v1/invites/accept': { body: async () => ({ secret: (await anInvite()).secret }) },
  'GET /v1/beings': { path: '?ids=@x' },
  'POST /v1/mutations': {
    body: {
      mutations: [
        { id: uuid(), space: null, name: 'being.create', args: { id: freshId('b'), type: 'bot', name: 'b' } },
      ],
    },
  },
  'GET /v1/mutations/{id}': {},
  'GET /v1/work': {},
  'GET /v1/news': {},
  'PUT /v1/spaces/{space}/read': { body: { version: 1 } },
  'POST /internal/news': { body: { all: [], some: {} }, kept: 'no-store' },
  'GET /internal/spaces/{space}': { kept: 'no-store' },
  'POST /internal/heads': { body: { spaces: [] }, kept: 'no-store' },
  'GET /internal/revoked': { kept: 'no-store' },
  'POST /internal/last-seen': { body: { beings: [] }, kept: 'no-store' },
}

/** In a space of somebody else. */
async function anInvite() {
  const { token } = await api.signIn('Inviter')
  const space = freshId('inviting')
  await api.mutate(token, { space, name: 'space.create', args: { name: 'Space' } })
  const { body } = await api.ask('POST', `/v1/spaces/${space}/invites`, { token, body: { role: 'member' } })
  return postInviteAnswerSchema.parse(body)
}

interface OpenApi {
  paths: Record<string, object>
}

async function endpoints(): Promise<string[]> {
  const documents = await Promise.all(
    [api.url, api.internalUrl].map(async (url) => (await fetch(`${url}/openapi.json`)).json() as Promise<OpenApi>),
  )
  return documents
    .flatMap(({ paths }) => Object.entries(paths).filter(([path]) => !path.startsWith('/operator/')))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
}

async function newSession(): Promise<{ id: string; token: string }> {
  const { token } = await api.signIn('Another')
  const { body } = await api.ask('GET', '/v1/sessions', { token })
  return { id: listSessionsAnswerSchema.parse(body).sessions[0]?.id ?? '', token }
}

test('A62 no answer with a token or an error may be kept, and every other one by its caller alone', async () => {
  const listed = await endpoints()
  expect(listed.sort()).toEqual(Object.keys(successes).sort())
  const { token } = await api.signIn('Guest')
  const space = freshId('space')
  const id = uuid()
  await api.mutate(token, { id, space, name: 'space.create', args: { name: 'Space' } })
  const snapshot = await api.ask('GET', `/v1/spaces/${space}`, { token })
  const { epoch } = snapshot.body as { epoch: string }
  const etag = snapshot.headers.get('etag') ?? ''
  const made = await api.ask('POST', `/v1/spaces/${space}/invites`, { token, body: { role: 'member' } })
  const { invite } = postInviteAnswerSchema.parse(made.body)
  for (const endpoint of listed) {
    const [method = '', template = ''] = endpoint.split(' ')
    const {
      path = '',
      body: given,
      byAnother = false,
      isForAll = false,
      kept = 'private, no-cache',
    } = successes[endpoint] ?? {}
    const body = typeof given === 'function' ? await given() : given
    const another = byAnother ? await newSession() : undefined
    const whole = `${template}${path}`
      .replace('{space}', space)
      .replace('{id}', another?.id ?? id)
      .replace('{epoch}', epoch)
      .replace('{invite}', invite.id)
    const isInternal = template.startsWith('/internal/')
    const ask = {
      token: isInternal ? INTERNAL_TOKEN : (another?.token ?? token),
      ...(body === undefined ? {} : { body }),
    }
    const good = await api.ask(method, whole, ask)
    expect([endpoint, good.status < 300, good.headers.get('cache-control')]).toEqual([endpoint, true, kept])
    if (isForAll) continue
    const bad = await api.ask(method, whole, { token: 'x.y.z', body: method === 'GET' ? undefined : '{' })
    expect([endpoint, bad.status >= 400, bad.headers.get('cache-control')]).toEqual([endpoint, true, 'no-store'])
  }
  const unchanged = await api.ask('GET', `/v1/spaces/${space}`, { token, headers: { 'if-none-match': etag } })
  expect([unchanged.status, unchanged.headers.get('cache-control')]).toEqual([304, 'private, no-cache'])
  for (const path of ['/nowhere', '/v1/spaces/%E0%A4%A', '/v1/spaces?limit=x'])
    expect((await api.ask('GET', path, { token })).headers.get('cache-control')).toBe('no-store')
})
