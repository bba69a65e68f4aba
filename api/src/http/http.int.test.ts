/** The HTTP surface: errors, limits, sessions, permissions on reads, pages, ETags, CORS, the documents about itself. */
import {
  beingsAnswerSchema,
  changesAnswerSchema,
  currentSessionAnswerSchema,
  intentionsAnswerSchema,
  internalHeadsAnswerSchema,
  internalReadSchema,
  listSpacesAnswerSchema,
  postSessionAnswerSchema,
  presenceAnswerSchema,
  problemSchema,
  REDIS,
  refreshSessionAnswerSchema,
  SESSION_TOKEN,
  snapshotSchema,
  spaceBeingsAnswerSchema,
} from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { SignJWT } from 'jose'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import {
  freshId,
  INTERNAL_TOKEN,
  startApi,
  type TestApi,
  TOKEN_SECRET,
  uuid,
  type Wanted,
  sealedEntry,
} from '../testing/test-api.ts'

const MAX_CONTENT = 2000

let database: FreshDatabase
let api: TestApi

beforeAll(async () => {
  database = await freshDatabase()
  api = await startApi({
    databaseUrl: database.url,
    env: {
      MAX_CONTENT_BYTES: `${MAX_CONTENT}`,
      MAX_BODY_BYTES: '20000',
      MAX_MUTATIONS_PER_BATCH: '10',
      SNAPSHOT_INTENTIONS: '5',
      CATCH_UP_LIMIT: '5',
    },
  })
})

afterAll(async () => {
  await api.stop()
  await database.drop()
})

const say = (space: string, text = 'x'): Wanted => ({
  space,
  name: 'intention.create',
  args: { id: uuid(), type: 'utterance', content: [text] },
})

async function newSpace(visibility: 'public' | 'private' = 'public') {
  const space = freshId('space')
  const owner = await api.signIn('Owner')
  await api.mutate(owner.token, { space, name: 'space.create', args: { name: 'Space', visibility } })
  return { space, token: owner.token, being: owner.being.id }
}

const codeOf = (answer: { body: unknown }): string => problemSchema.parse(answer.body).code

test.each<[string, string, unknown, string]>([
  ['POST', '/v1/sessions', { name: '' }, 'name'],
  ['POST', '/v1/sessions', { name: 'x', id: 'no' }, 'id'],
  ['POST', '/v1/sessions', { name: 'a\u0000b' }, 'name'],
  ['GET', '/v1/spaces?limit=0', undefined, 'limit'],
  ['GET', '/v1/spaces?limit=5000', undefined, 'limit'],
  ['GET', '/v1/spaces?cursor=no', undefined, 'cursor'],
  ['GET', '/v1/spaces/no', undefined, 'space'],
  ['GET', '/v1/spaces/@s/changes?epoch=x&after=0', undefined, 'epoch'],
  ['GET', `/v1/spaces/@s/changes?epoch=${uuid()}&after=-1`, undefined, 'after'],
  ['GET', `/v1/spaces/@s/changes?epoch=${uuid()}&after=1e99`, undefined, 'after'],
  ['GET', '/v1/spaces/@s/intentions?before=x', undefined, 'before'],
  ['GET', '/v1/spaces/@s/intentions?limit=1&limit=2', undefined, 'limit'],
  ['GET', '/v1/spaces/@s/beings?limit=x', undefined, 'limit'],
  ['GET', '/v1/beings', undefined, 'ids'],
  ['GET', '/v1/beings?ids=@a,no', undefined, 'ids.1'],
  ['GET', '/v1/spaces/no/presence', undefined, 'space'],
  ['POST', '/v1/spaces/@s/signals', { name: '' }, 'name'],
  ['POST', '/v1/spaces/@s/signals', { name: 'x', data: [] }, 'data'],
  ['GET', '/v1/mutations/no', undefined, 'id'],
  ['POST', '/v1/mutations', { mutations: [] }, 'mutations'],
  ['POST', '/v1/mutations', {}, 'mutations'],
  [
    'POST',
    '/v1/mutations',
    { mutations: [{ id: uuid(), space: '@s', name: 'no.such', args: {} }] },
    'mutations.0.name',
  ],
  [
    'POST',
    '/v1/mutations',
    { mutations: [{ id: uuid(), space: null, name: 'intention.remove', args: { id: uuid() } }] },
    'mutations.0.space',
  ],
  [
    'POST',
    '/v1/mutations',
    { mutations: [{ id: uuid(), space: '@s', name: 'intention.append', args: { id: uuid(), text: '\ud800' } }] },
    'mutations.0.args.text',
  ],
])('A31 %s %s: the fault is named', async (method, path, body, fault) => {
  const { token } = await api.signIn('Asker')
  const answer = await api.ask(method, path, { token, body })
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  expect([answer.status, codeOf(answer), problemSchema.parse(answer.body).path]).toEqual([400, 'malformed', fault])
})

test.each<[string, string, unknown, number, string, Record<string, string>]>([
  ['GET', '/nowhere', undefined, 404, 'not-found', {}],
  ['GET', '/v1/spaces/@s/nothing', undefined, 404, 'not-found', {}],
  ['DELETE', '/v1/spaces', undefined, 405, 'method-not-allowed', {}],
  ['PUT', '/v1/mutations', { x: 1 }, 405, 'method-not-allowed', {}],
  ['POST', '/v1/sessions', '{"name":', 400, 'malformed', {}],
  ['POST', '/v1/sessions', '', 400, 'malformed', {}],
  ['POST', '/v1/sessions', '{"name":"x","__proto__":{}}', 400, 'malformed', {}],
  ['POST', '/v1/sessions', 'name=x', 415, 'unsupported-media-type', { 'content-type': 'text/plain' }],
  ['POST', '/v1/sessions', `{"name":"${'x'.repeat(30_000)}"}`, 413, 'too-large', {}],
  ['GET', '/v1/spaces/%E0%A4%A', undefined, 400, 'malformed', {}],
])('A31 %s %s with %j is %i %s', async (method, path, body, status, code, headers) => {
  const answer = await api.ask(method, path, { body, headers })
  expect([answer.status, codeOf(answer)]).toEqual([status, code])
  expect(problemSchema.parse(answer.body).status).toBe(status)
  if (status === 405) expect(answer.headers.get('allow')).toMatch(/GET|POST/)
})

test('A31 bytes that are no request get a problem document too', async () => {
  const { port } = new URL(api.url)
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write('no http at all\r\n\r\n'))
    let received = ''
    socket.on('data', (data) => (received += data.toString()))
    socket.on('end', () => resolve(received))
    socket.on('error', reject)
  })
  expect(text).toMatch(/^HTTP\/1\.1 400 /)
  expect(problemSchema.parse(JSON.parse(text.slice(text.indexOf('{')))).code).toBe('malformed')
})

test('A42 who sends far too much still reads why, every time, announced in length or not', async () => {
  const chunk = new TextEncoder().encode('x'.repeat(256 * 1024))
  for (let round = 0; round < 10; round += 1) {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let index = 0; index < 32; index += 1) controller.enqueue(chunk)
        controller.close()
      },
    })
    const bodies = [`"${'x'.repeat(8 * 1024 * 1024)}"`, stream]
    for (const body of bodies) {
      const answer = await fetch(`${api.url}/v1/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        ...(body === stream ? { duplex: 'half' as const } : {}),
      })
      expect(problemSchema.parse(await answer.json())).toMatchObject({ status: 413, code: 'too-large' })
    }
  }
})

test('A32 over a limit nothing is applied and the path says where', async () => {
  const { space, token } = await newSpace()
  const large = 'x'.repeat(MAX_CONTENT)
  const said = uuid()
  await api.mutate(token, { space, name: 'intention.create', args: { id: said, type: 'utterance', content: [] } })
  const tooLarge: [Wanted, string][] = [
    [say(space, large), 'mutations.1.args.content'],
    [{ space, name: 'intention.append', args: { id: said, text: large } }, 'mutations.1.args.text'],
    [
      { space: null, name: 'being.create', args: { id: freshId('b'), type: 'bot', name: 'b', metadata: { large } } },
      'mutations.1.args.metadata',
    ],
    [
      { space: null, name: 'being.create', args: { id: freshId('b'), type: 'bot', name: 'b', properties: { large } } },
      'mutations.1.args.properties',
    ],
  ]
  for (const [wanted, path] of tooLarge) {
    const mutations = [say(space), wanted].map((one) => ({ id: uuid(), ...one }))
    const answer = await api.ask('POST', '/v1/mutations', { token, body: { mutations } })
    expect([answer.status, codeOf(answer), problemSchema.parse(answer.body).path]).toEqual([413, 'too-large', path])
  }
  const eleven = { mutations: Array.from({ length: 11 }, () => ({ id: uuid(), ...say(space) })) }
  const answer = await api.ask('POST', '/v1/mutations', { token, body: eleven })
  expect([answer.status, problemSchema.parse(answer.body).path]).toEqual([413, 'mutations'])
  const signal = await api.ask('POST', `/v1/spaces/${space}/signals`, { token, body: { name: 'x', data: { large } } })
  expect([signal.status, problemSchema.parse(signal.body).path]).toEqual([413, 'data'])
  expect((await api.ask('GET', `/v1/spaces/${space}`, { token })).body).toMatchObject({ version: 3 })
})

test('A32 content as large as the limit is fine, and an append past it is rejected', async () => {
  const { space, token } = await newSpace()
  const id = uuid()
  const content = ['x'.repeat(MAX_CONTENT - 4)]
  const results = await api.mutate(
    token,
    { space, name: 'intention.create', args: { id, type: 'utterance', content } },
    { space, name: 'intention.append', args: { id, text: 'x' } },
  )
  expect(results).toMatchObject([{ status: 'applied' }, { status: 'rejected', error: { code: 'too-large' } }])
})

test('A33 a session is a guest located nowhere, under the id asked for or one made of the name', async () => {
  const { status, body } = await api.ask('POST', '/v1/sessions', { body: { name: 'Ada Lovelace' } })
  const { being, expiresAt, token } = postSessionAnswerSchema.parse(body)
  expect(status).toBe(201)
  expect(being).toMatchObject({ type: 'guest', name: 'Ada Lovelace', location: null, owner: null, rev: 0 })
  expect(being.id).toMatch(/^@ada-lovelace-[0-9a-f]{10}$/)
  expect(expiresAt).toBeGreaterThan(Date.now())
  const nameless = await api.ask('POST', '/v1/sessions', { body: { name: '漢字' } })
  expect(postSessionAnswerSchema.parse(nameless.body).being.id).toMatch(/^@guest-[0-9a-f]{10}$/)
  const taken = await api.ask('POST', '/v1/sessions', { body: { name: 'x', id: being.id } })
  expect([taken.status, codeOf(taken)]).toEqual([409, 'taken'])
  const current = await api.ask('GET', '/v1/sessions/current', { token })
  expect(currentSessionAnswerSchema.parse(current.body)).toEqual({ being, expiresAt })
  const refreshed = await api.ask('POST', '/v1/sessions/current/refresh', { token })
  const fresh = refreshSessionAnswerSchema.parse(refreshed.body)
  expect((await api.ask('GET', '/v1/spaces', { token: fresh.token })).status).toBe(200)
})

const PROTECTED: [string, string][] = [
  ['GET', '/v1/sessions/current'],
  ['POST', '/v1/sessions/current/refresh'],
  ['GET', '/v1/spaces'],
  ['GET', '/v1/spaces/@s'],
  ['GET', `/v1/spaces/@s/changes?epoch=${uuid()}&after=0`],
  ['GET', '/v1/spaces/@s/intentions'],
  ['GET', '/v1/spaces/@s/beings'],
  ['GET', '/v1/beings?ids=@a'],
  ['GET', '/v1/spaces/@s/presence'],
  ['GET', `/v1/mutations/${uuid()}`],
]
const withBody: [string, string, unknown][] = [
  ...PROTECTED.map(([method, path]): [string, string, unknown] => [method, path, undefined]),
  ['POST', '/v1/mutations', { mutations: [{ id: uuid(), space: '@s', name: 'space.remove', args: {} }] }],
  ['POST', '/v1/spaces/@s/signals', { name: 'x' }],
]

async function tokenOf(being: string, key: string, secondsLeft: number): Promise<string> {
  const { formerAlgorithm: algorithm, issuer, audience } = SESSION_TOKEN
  return new SignJWT()
    .setProtectedHeader({ alg: algorithm })
    .setSubject(being)
    .setIssuer(issuer)
    .setAudience(audience)
    .setExpirationTime(Math.floor(Date.now() / 1000) + secondsLeft)
    .sign(new TextEncoder().encode(key))
}

test.each(withBody)('A33 %s %s without a valid token is 401', async (method, path, body) => {
  const { being, token } = await api.signIn('Gone')
  await api.mutate(token, { space: null, name: 'being.remove', args: { id: being.id } })
  const [forged, expired] = await Promise.all([
    tokenOf(being.id, randomBytes(32).toString('hex'), 60),
    tokenOf(being.id, TOKEN_SECRET, -60),
  ])
  const ask = async (withToken?: string) => {
    const answer = await api.ask(method, path, { body, ...(withToken === undefined ? {} : { token: withToken }) })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    return [answer.status, codeOf(answer)]
  }
  expect(await ask()).toEqual([401, 'not-authenticated'])
  expect(await ask('x.y.z')).toEqual([401, 'not-authenticated'])
  expect(await ask(forged)).toEqual([401, 'not-authenticated'])
  expect(await ask(expired)).toEqual([401, 'token-expired'])
  expect(await ask(token)).toEqual([401, 'not-authenticated'])
})

test('A29 a private space is nowhere to be found for those who may not read it', async () => {
  const { space, token, being } = await newSpace('private')
  const document = freshId('doc')
  await api.mutate(
    token,
    { space, name: 'being.move', args: { id: being } },
    { space, name: 'being.create', args: { id: document, type: 'document', name: 'Plan', content: ['secret'] } },
    say(space),
  )
  const epoch = snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token })).body).epoch
  const stranger = await api.signIn('Stranger')
  const paths = ['', `/changes?epoch=${epoch}&after=0`, '/intentions', '/beings', '/presence']
  const statusesFor = (who: string) =>
    Promise.all(paths.map(async (path) => (await api.ask('GET', `/v1/spaces/${space}${path}`, { token: who })).status))
  const signal = (who: string) => api.ask('POST', `/v1/spaces/${space}/signals`, { token: who, body: { name: 'x' } })
  const listed = async (who: string) =>
    listSpacesAnswerSchema
      .parse((await api.ask('GET', '/v1/spaces?limit=1000', { token: who })).body)
      .spaces.some(({ id }) => id === space)
  const lookUp = async (who: string) =>
    beingsAnswerSchema.parse(
      (await api.ask('GET', `/v1/beings?ids=${document},${being},${space}`, { token: who })).body,
    ).beings
  expect(await statusesFor(stranger.token)).toEqual([404, 404, 404, 404, 404])
  expect((await signal(stranger.token)).status).toBe(404)
  expect(await listed(stranger.token)).toBe(false)
  expect(await lookUp(stranger.token)).toMatchObject([{ id: being, location: null }])
  expect(JSON.stringify(await lookUp(stranger.token))).not.toContain(space)

  await api.mutate(token, { space, name: 'member.put', args: { being: stranger.being.id, role: 'viewer' } })
  expect(await statusesFor(stranger.token)).toEqual([200, 200, 200, 200, 200])
  expect((await signal(stranger.token)).status).toBe(202)
  expect(await listed(stranger.token)).toBe(true)
  expect((await lookUp(stranger.token)).map(({ id }) => id).sort()).toEqual([being, document, space].sort())

  await api.mutate(token, { space, name: 'member.remove', args: { being: stranger.being.id } })
  expect(await statusesFor(stranger.token)).toEqual([404, 404, 404, 404, 404])
})

test('A26 whoever holds the position of a snapshot is told so without it', async () => {
  const { space, token } = await newSpace()
  const first = await api.ask('GET', `/v1/spaces/${space}`, { token })
  const { epoch } = snapshotSchema.parse(first.body)
  const etag = first.headers.get('etag') ?? ''
  expect(etag).toBe(`"${epoch}:2"`)
  for (const held of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const again = await api.ask('GET', `/v1/spaces/${space}`, { token, headers: { 'if-none-match': held } })
    expect([again.status, again.body, again.headers.get('etag')]).toEqual([304, undefined, etag])
  }
  await api.mutate(token, say(space))
  const changed = await api.ask('GET', `/v1/spaces/${space}`, { token, headers: { 'if-none-match': etag } })
  expect([changed.status, changed.headers.get('etag')]).toEqual([200, `"${epoch}:3"`])
})

test('A27 changes follow a position, page by page, and a position the log cannot answer is 410', async () => {
  const { space, token } = await newSpace()
  await api.mutate(token, say(space), say(space), say(space))
  const { epoch } = snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token })).body)
  const changes = (query: string) => api.ask('GET', `/v1/spaces/${space}/changes?${query}`, { token })
  const page = changesAnswerSchema.parse((await changes(`epoch=${epoch}&after=1&limit=2`)).body)
  expect({ ...page, changes: page.changes.map(({ version }) => version) }).toEqual({
    epoch,
    from: 1,
    to: 3,
    head: 5,
    changes: [2, 3],
  })
  const none = changesAnswerSchema.parse((await changes(`epoch=${epoch}&after=5`)).body)
  expect(none).toEqual({ epoch, from: 5, to: 5, head: 5, changes: [] })
  expect((await changes(`epoch=${epoch.toUpperCase()}&after=5`)).status).toBe(200)
  for (const query of [`epoch=${uuid()}&after=1`, `epoch=${epoch}&after=6`]) {
    const answer = await changes(query)
    expect([answer.status, codeOf(answer)]).toEqual([410, 'reset'])
  }
})

test('A28 pages of intentions, beings and spaces give each once, in order, and end', async () => {
  const { space, token } = await newSpace()
  for (let n = 0; n < 3; n += 1) await api.mutate(token, ...Array.from({ length: 4 }, () => say(space)))
  const bots = Array.from({ length: 5 }, () => freshId('bot')).sort()
  await api.mutate(
    token,
    ...bots.map((id): Wanted => ({ space, name: 'being.create', args: { id, type: 'bot', name: 'Bot' } })),
  )
  const snapshot = snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token })).body)
  expect([snapshot.intentions.length, snapshot.hasMore]).toEqual([5, true])

  let { intentions, hasMore } = snapshot
  while (hasMore) {
    const path = `/v1/spaces/${space}/intentions?before=${intentions[0]?.id}&limit=3`
    const page = intentionsAnswerSchema.parse((await api.ask('GET', path, { token })).body)
    expect(page.beings).toHaveLength(1)
    intentions = [...page.intentions, ...intentions]
    hasMore = page.hasMore
  }
  expect(intentions.map(({ rev }) => rev)).toEqual(Array.from({ length: 12 }, (_, index) => index + 3))
  const unknown = await api.ask('GET', `/v1/spaces/${space}/intentions?before=${uuid()}`, { token })
  expect([unknown.status, codeOf(unknown)]).toEqual([404, 'not-found'])

  const found: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const path: string = `/v1/spaces/${space}/beings?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`
    const page = spaceBeingsAnswerSchema.parse((await api.ask('GET', path, { token })).body)
    found.push(...page.beings.map(({ id }) => id))
    cursor = page.nextCursor
  }
  expect(found).toEqual(bots)

  const hidden = await newSpace('private')
  await api.mutate(
    hidden.token,
    ...[1, 2, 3].map((n): Wanted => ({ space: freshId(`x${n}`), name: 'space.create', args: { name: 'x' } })),
  )
  const spaces: string[] = []
  cursor = ''
  while (cursor !== null) {
    const path: string = `/v1/spaces?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`
    const page = listSpacesAnswerSchema.parse((await api.ask('GET', path, { token: hidden.token })).body)
    spaces.push(...page.spaces.map(({ id }) => id))
    cursor = page.nextCursor
  }
  expect(spaces).toEqual([...new Set(spaces)].sort())
  expect(spaces).toContain(hidden.space)
  expect(spaces).toContain(space)
})

test('A30 a gateway is brought to where a space stands from wherever it is', async () => {
  const { space, token, being } = await newSpace('private')
  await api.mutate(token, say(space), say(space), say(space), say(space))
  const read = async (query = '') => {
    const answer = await api.ask('GET', `/internal/spaces/${space}${query}`, { token: INTERNAL_TOKEN })
    return internalReadSchema.parse(answer.body)
  }
  const whole = await read()
  expect(whole).toMatchObject({ version: 6, access: { visibility: 'private', readers: [being] } })
  expect(whole.catchUp).toMatchObject({ kind: 'snapshot', snapshot: { version: 6, epoch: whole.epoch } })
  const part = await read(`?epoch=${whole.epoch}&after=4`)
  if (part.catchUp.kind !== 'changes') throw new Error('no changes')
  expect([part.catchUp.from, part.catchUp.changes.map(({ version }) => version)]).toEqual([4, [5, 6]])
  expect((await read(`?epoch=${whole.epoch}&after=6`)).catchUp).toEqual({ kind: 'changes', from: 6, changes: [] })
  for (const query of [`?epoch=${uuid()}&after=4`, `?epoch=${whole.epoch}&after=9`, `?epoch=${whole.epoch}&after=0`])
    expect((await read(query)).catchUp.kind).toBe('snapshot')
  const heads = await api.ask('POST', '/internal/heads', {
    token: INTERNAL_TOKEN,
    body: { spaces: [space, '@no-such-space'] },
  })
  expect(internalHeadsAnswerSchema.parse(heads.body).heads).toEqual({ [space]: { epoch: whole.epoch, version: 6 } })
  const half = await api.ask('GET', `/internal/spaces/${space}?after=4`, { token: INTERNAL_TOKEN })
  expect([half.status, codeOf(half)]).toEqual([400, 'malformed'])
  await api.mutate(token, { space, name: 'space.remove', args: {} })
  expect((await api.ask('GET', `/internal/spaces/${space}`, { token: INTERNAL_TOKEN })).status).toBe(404)
  const gone = await api.ask('POST', '/internal/heads', { token: INTERNAL_TOKEN, body: { spaces: [space] } })
  expect(internalHeadsAnswerSchema.parse(gone.body).heads).toEqual({})
  for (const who of [token, 'x', `${INTERNAL_TOKEN}x`]) {
    expect((await api.ask('GET', `/internal/spaces/${space}`, { token: who })).status).toBe(401)
    expect((await api.ask('POST', '/internal/heads', { token: who, body: { spaces: [] } })).status).toBe(401)
  }
})

test('A34 mutations over the rate are refused with the time to wait, on every node alike', async () => {
  const env = { MUTATIONS_PER_SECOND: '1', MUTATIONS_BURST: '4' }
  const nodes = await Promise.all([1, 2].map(() => startApi({ databaseUrl: database.url, env })))
  try {
    const [one, two] = nodes
    if (one === undefined || two === undefined) throw new Error('no nodes')
    const { token, being } = await one.signIn('Hasty')
    const rename = (): Wanted => ({ space: null, name: 'being.update', args: { id: being.id, name: 'x' } })
    await one.mutate(token, rename(), rename())
    await two.mutate(token, rename(), rename())
    const mutations = [{ id: uuid(), ...rename() }]
    for (const node of nodes) {
      const answer = await node.ask('POST', '/v1/mutations', { token, body: { mutations } })
      expect([answer.status, codeOf(answer)]).toEqual([429, 'rate-limited'])
      const { retryAfterMs = 0 } = problemSchema.parse(answer.body)
      expect(retryAfterMs).toBeGreaterThan(0)
      expect(retryAfterMs).toBeLessThanOrEqual(1000)
      expect(answer.headers.get('retry-after')).toBe('1')
    }
    const other = await two.signIn('Patient')
    expect(
      await two.mutate(other.token, { space: null, name: 'being.update', args: { id: other.being.id } }),
    ).toMatchObject([{ status: 'applied' }])
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
  }
})

test.each([
  ['', 'same', true],
  ['', 'http://evil.example', false],
  ['https://good.example', 'https://good.example', true],
  ['https://good.example', 'http://good.example', false],
  ['*', 'http://any.example', true],
])('A35 with the list %j a page of %s: %s', async (allowed, origin, expected) => {
  const node = await startApi({ databaseUrl: database.url, env: { ALLOWED_ORIGINS: allowed } })
  try {
    const from = origin === 'same' ? node.url : origin
    const answer = await node.ask('GET', '/v1/spaces', { headers: { origin: from } })
    expect(answer.headers.get('access-control-allow-origin')).toBe(expected ? from : null)
    const preflight = await fetch(`${node.url}/v1/mutations`, {
      method: 'OPTIONS',
      headers: {
        origin: from,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBe(expected ? from : null)
  } finally {
    await node.stop()
  }
})

test.each([
  ['OPTIONS /nowhere', '/nowhere', {}, 404, 'not-found'],
  ['OPTIONS of another page', '/nowhere', { origin: 'http://evil.example' }, 404, 'not-found'],
  ['OPTIONS of something', '/v1/spaces', {}, 405, 'method-not-allowed'],
  ['a preflight of another page', '/v1/spaces', { origin: 'http://evil.example' }, 405, 'method-not-allowed'],
  ['GET /nowhere', '/nowhere', {}, 404, 'not-found'],
])('A31 %s is a problem document', async (what, path, headers, status, code) => {
  const answer = await fetch(`${api.url}${path}`, { method: what.split(' ')[0] === 'GET' ? 'GET' : 'OPTIONS', headers })
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
    status,
    'application/problem+json; charset=utf-8',
    'no-store',
  ])
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(problemSchema.parse(await answer.json())).toMatchObject({ code, status })
})

test('A31 OPTIONS of an asterisk is a problem document', async () => {
  const { hostname, port } = new URL(api.url)
  const [answer] = (await once(request({ hostname, port, method: 'OPTIONS', path: '*' }).end(), 'response')) as [
    IncomingMessage,
  ]
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([404, 'application/problem+json; charset=utf-8'])
  expect(problemSchema.parse(JSON.parse(await text(answer)))).toMatchObject({ code: 'not-found' })
})

test('A35 a preflight that asks for no method is answered like one', async () => {
  const answer = await fetch(`${api.url}/v1/spaces`, { method: 'OPTIONS', headers: { origin: api.url } })
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, api.url])
})

interface OpenApi {
  openapi: string
  paths: Record<string, Record<string, { responses: Record<string, { content?: object }> }>>
}

const PUBLIC_PATHS = /^\/(v1|\.well-known)\//

test('A36 A200 the OpenAPI documents list every endpoint of their port, with its problems', async () => {
  const { body } = await api.ask('GET', '/openapi.json')
  const open = body as OpenApi
  const inside = (await (await fetch(`${api.internalUrl}/openapi.json`)).json()) as OpenApi
  for (const { openapi } of [open, inside]) expect(openapi).toMatch(/^3\.1/)
  expect(Object.keys(open.paths).filter((path) => !PUBLIC_PATHS.test(path))).toEqual([])
  expect(Object.keys(inside.paths).filter((path) => PUBLIC_PATHS.test(path))).toEqual([])
  const document = { paths: { ...open.paths, ...inside.paths } }
  const ofOperators = Object.keys(inside.paths).filter((path) => path.startsWith('/operator/v1/'))
  expect(ofOperators.length).toBeGreaterThan(10)
  const listed = Object.entries(document.paths)
    .filter(([path]) => !ofOperators.includes(path))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
  expect(listed.sort()).toEqual(
    [
      'GET /.well-known/jwks.json',
      'GET /internal/revoked',
      'GET /internal/spaces/{space}',
      'POST /internal/heads',
      'POST /internal/last-seen',
      'GET /v1/beings',
      'GET /v1/mutations/{id}',
      'GET /v1/sessions/current',
      'GET /v1/work',
      'GET /v1/news',
      'GET /v1/sign-in',
      'PUT /v1/spaces/{space}/read',
      'POST /internal/news',
      'GET /v1/spaces',
      'GET /v1/spaces/{space}',
      'GET /v1/spaces/{space}/beings',
      'GET /v1/spaces/{space}/changes',
      'GET /v1/spaces/{space}/intentions',
      'GET /v1/spaces/{space}/presence',
      'POST /v1/mutations',
      'POST /v1/sessions',
      'POST /v1/sessions/current/refresh',
      'POST /v1/sessions/renew',
      'GET /v1/sessions',
      'DELETE /v1/sessions/current',
      'DELETE /v1/sessions/{id}',
      'POST /v1/spaces/{space}/signals',
      'POST /v1/spaces/{space}/invites',
      'GET /v1/spaces/{space}/invites',
      'DELETE /v1/spaces/{space}/invites/{invite}',
      'POST /v1/invites/accept',
    ].sort(),
  )
  for (const methods of Object.values(document.paths))
    for (const { responses } of Object.values(methods))
      expect(Object.keys(responses['default']?.content ?? {})).toEqual(['application/problem+json'])
})

test('A200 each port answers 404 for what belongs to the other, whatever is shown, as for what is nowhere', async () => {
  const { token } = await api.signIn('Guest')
  for (const bearer of [undefined, token, INTERNAL_TOKEN]) {
    const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
    const ask = async (base: string, method: string, path: string): Promise<unknown> => {
      const answer = await fetch(`${base}${path}`, { method, headers })
      return [answer.status, (await answer.text()).replaceAll(path.split('?', 1)[0] ?? '', '')]
    }
    for (const path of ['/metrics', '/readyz', '/readyz?exclude=redis', '/internal/revoked?since=0', '/internal/heads'])
      for (const method of ['GET', 'POST', 'DELETE'])
        expect([path, await ask(api.url, method, path)]).toEqual([path, await ask(api.url, method, '/nowhere')])
    for (const path of ['/v1/spaces', '/v1/sessions', '/v1/mutations'])
      for (const method of ['GET', 'POST'])
        expect([path, await ask(api.internalUrl, method, path)]).toEqual([
          path,
          await ask(api.internalUrl, method, '/nowhere'),
        ])
  }
  for (const base of [api.url, api.internalUrl]) expect((await fetch(`${base}/healthz`)).status).toBe(200)
})

test('A37 health, readiness and metrics', async () => {
  expect(await api.ask('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'up' } })
  expect(await api.ask('GET', '/readyz')).toMatchObject({
    status: 200,
    body: { status: 'ready', parts: { postgres: true, redis: true, accepting: true } },
  })
  const metrics = await (await fetch(`${api.internalUrl}/metrics`)).text()
  expect(metrics).toMatch(/rhizom_api_request_seconds_count\{method="GET",route="\/healthz",status="200"\} [1-9]/)
  expect(metrics).toMatch(/rhizom_api_queued_mutations 0/)
})

test('A39 presence as gateways wrote it, of living gateways only', async () => {
  const { space, token } = await newSpace()
  // Gateways of other tests live in the one that is shared.
  const redisUrl = new URL(process.env['TEST_REDIS_URL'] ?? '')
  redisUrl.pathname = '/7'
  const redis = new Redis(redisUrl.href)
  const apart = await startApi({ databaseUrl: database.url, env: { REDIS_URL: redisUrl.href } })
  const [alive, dead] = [uuid(), uuid()]
  try {
    const answer = async () =>
      presenceAnswerSchema.parse((await apart.ask('GET', `/v1/spaces/${space}/presence`, { token })).body)
    expect(await answer()).toMatchObject({ here: [] })
    await redis.zadd(REDIS.knownGateways, Date.now(), alive)
    await redis.set(REDIS.gatewayLease(alive), JSON.stringify({ formerly: [] }), 'PX', 60_000)
    const entry = (field: string, value: object): [string, Buffer] => [
      field,
      sealedEntry(apart, REDIS.here(space), field, value),
    ]
    await redis.hset(
      REDIS.here(space),
      new Map([
        entry(`${alive}/@ada`, { state: { away: true }, since: 5 }),
        entry(`${dead}/@ghost`, { state: {}, since: 1 }),
      ]),
    )
    const here = [{ being: '@ada', state: { away: true }, since: 5 }]
    expect(await answer()).toEqual({ here, hereCount: 1, frozen: false })

    // Redis had lost the lease: the gateway is back, others may not be yet.
    const lease = (doubtfulUntil: number) =>
      redis.set(REDIS.gatewayLease(alive), JSON.stringify({ formerly: [dead], doubtfulUntil }), 'PX', 60_000)
    await lease(Date.now() + 30_000)
    expect(await answer()).toEqual({ here, hereCount: 1, frozen: true })
    await lease(Date.now() - 1)
    expect(await answer()).toMatchObject({ frozen: false })

    // Over the limit a sample is listed and all are counted.
    const crowd = new Map(
      Array.from({ length: 250 }, (_, index) => entry(`${alive}/@b${index}`, { state: {}, since: 9 })),
    )
    await redis.hset(REDIS.here(space), crowd)
    const { here: sample, hereCount } = await answer()
    expect([sample.length, hereCount]).toEqual([200, 251])
  } finally {
    await redis.zrem(REDIS.knownGateways, alive)
    await redis.del(REDIS.gatewayLease(alive), REDIS.here(space))
    redis.disconnect()
    await apart.stop()
  }
})
