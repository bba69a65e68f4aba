/**
 * What is looked at before a body is parsed, and before its schema: how large it is, whose account its bytes are taken
 * from, how deep it nests, how many parts it has, how large each argument is. What is refused there is counted like the
 * rest.
 */
import { eventually } from '@rhizom/kit/eventually.ts'
import { problemSchema } from '@rhizom/protocol'
import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { type Answer, freshId, INTERNAL_TOKEN, startApi, type TestApi, uuid } from '../testing/test-api.ts'

let database: FreshDatabase
let api: TestApi

beforeAll(async () => {
  database = await freshDatabase()
  api = await startApi({
    databaseUrl: database.url,
    env: { MUTATIONS_BURST: '100000', BODY_BYTES_BURST: '1000000000', SIGNALS_BURST: '10000' },
  })
})

afterAll(async () => {
  await api.stop()
  await database.drop()
})

async function withNode(env: Record<string, string>, work: (node: TestApi) => Promise<void>): Promise<void> {
  const node = await startApi({ databaseUrl: database.url, env })
  try {
    // Who asks before Redis is there is not measured.
    await eventually('the api is ready', async () => (await node.ask('GET', '/readyz')).status === 200)
    await work(node)
  } finally {
    await node.stop()
  }
}

const problemOf = ({ status, body }: Answer) => {
  const { code, path } = problemSchema.parse(body)
  return [status, code, path]
}

/** An address of nobody else's: Redis, which keeps the accounts, is shared by all tests. */
const freshAddress = (): string => `2001:db8:${randomInt(65_536).toString(16)}:${randomInt(65_536).toString(16)}::1`

/** Every route that takes a body, with whose token, and how large it may be. */
const BODIES: [string, 'guest' | 'gateway' | 'nobody', number][] = [
  ['/v1/sessions', 'nobody', 2048],
  ['/v1/sessions/current/refresh', 'guest', 16],
  ['/v1/spaces/@s/signals', 'guest', 4096],
  ['/v1/mutations', 'guest', 1_048_576],
  ['/internal/heads', 'gateway', 1_048_576],
  ['/internal/last-seen', 'gateway', 262_144],
]

const tokenOf = async (who: 'guest' | 'gateway' | 'nobody'): Promise<{ token?: string }> => {
  switch (who) {
    case 'guest':
      return { token: (await api.signIn('Guest')).token }
    case 'gateway':
      return { token: INTERNAL_TOKEN }
    default:
      who satisfies 'nobody'
      return {}
  }
}

test.each(BODIES)('A60 a body for %s (%s) may have %i bytes', async (path, who, bytes) => {
  const ask = { ...(await tokenOf(who)) }
  const padded = (length: number): string => `{}${' '.repeat(length - 2)}`
  const fitting = await api.ask('POST', path, { ...ask, body: padded(bytes) })
  expect([200, 400]).toContain(fitting.status)
  for (const length of [bytes + 1, 16 * 1024 * 1024]) {
    const answer = await api.ask('POST', path, { ...ask, body: padded(length) })
    expect(problemOf(answer)).toEqual([413, 'too-large', undefined])
  }
  // Not announced in length.
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let sent = 0; sent <= bytes; sent += 1024) controller.enqueue(new Uint8Array(1024).fill(0x20))
      controller.close()
    },
  })
  const chunked = await fetch(`${who === 'gateway' ? api.internalUrl : api.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(ask.token === undefined ? {} : { authorization: `Bearer ${ask.token}` }),
    },
    body: stream,
    duplex: 'half',
  })
  expect([chunked.status, problemSchema.parse(await chunked.json()).code]).toEqual([413, 'too-large'])
})

test('A60 the largest body that a route is there for fits, however it is written', async () => {
  const escaped = (text: string): string =>
    text.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const id = `@${'a'.repeat(50)}${freshId('x').slice(1, 14)}`
  const session = await api.ask('POST', '/v1/sessions', {
    body: `{"name":"${escaped('漢'.repeat(200))}","id":"${escaped(id)}"}`,
  })
  expect(session.status).toBe(201)
  const { token } = await api.signIn('Guest')
  const space = freshId('space')
  await api.mutate(token, { space, name: 'space.create', args: { name: 'Space' } })
  // A sender that writes ASCII only, as many do.
  const text = 'é'.repeat(506)
  const signal = await api.ask('POST', `/v1/spaces/${space}/signals`, {
    token,
    body: `{"name":"${escaped('漢'.repeat(64))}","data":{"text":"${escaped(text)}"}}`,
  })
  expect(signal.status).toBe(202)
  const spaces = Array.from({ length: 10_000 }, (_, index) => `@${`${index}`.padStart(63, 'a')}`)
  expect((await api.ask('POST', '/internal/heads', { token: INTERNAL_TOKEN, body: { spaces } })).status).toBe(200)
  const beings = spaces.slice(0, 1000).map((being) => ({ being, at: Date.now() }))
  expect((await api.ask('POST', '/internal/last-seen', { token: INTERNAL_TOKEN, body: { beings } })).status).toBe(202)
})

test('A57 the bytes of bodies are taken from an account of the actor before they are parsed', async () => {
  await withNode({ BODY_BYTES_PER_SECOND: '1000', BODY_BYTES_BURST: '20000', TRUST_PROXY: '1' }, async (node) => {
    const headers = { 'x-forwarded-for': freshAddress() }
    const guest = async () => {
      const answer = await node.ask('POST', '/v1/sessions', {
        body: { name: 'Guest' },
        headers: { 'x-forwarded-for': freshAddress() },
      })
      return (answer.body as { token: string }).token
    }
    const [ada, bob] = [await guest(), await guest()]
    const send = (token: string, bytes: number) =>
      node.ask('POST', '/v1/mutations', { token, headers, body: '['.repeat(bytes) })
    const statuses: number[] = []
    for (let round = 0; round < 5; round += 1) statuses.push((await send(ada, 8000)).status)
    expect(statuses).toEqual([400, 400, 429, 429, 429])
    const refused = await send(ada, 8000)
    const { code, retryAfterMs = 0 } = problemSchema.parse(refused.body)
    expect(code).toBe('rate-limited')
    expect(retryAfterMs).toBeGreaterThan(2000)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(2)
    // The connection lives, others at the same address go on, and a gateway is not measured.
    expect(refused.headers.get('connection')).not.toBe('close')
    expect((await send(bob, 8000)).status).toBe(400)
    for (let round = 0; round < 5; round += 1) {
      const heads = { spaces: Array.from({ length: 1000 }, (_, index) => `@space-${index}`) }
      expect((await node.ask('POST', '/internal/heads', { token: INTERNAL_TOKEN, headers, body: heads })).status).toBe(
        200,
      )
    }
    // Nobody is known yet who signs in: the address is.
    const address = { 'x-forwarded-for': freshAddress() }
    const signIn = (from: Record<string, string>) =>
      node.ask('POST', '/v1/sessions', { headers: from, body: `{"name":"x"}${' '.repeat(2000)}` })
    const signedIn = await Promise.all(Array.from({ length: 30 }, () => signIn(address)))
    expect(signedIn.filter(({ status }) => status === 201).length).toBeLessThan(15)
    expect(signedIn.filter(({ status }) => status === 429).length).toBeGreaterThan(10)
    expect((await signIn({ 'x-forwarded-for': freshAddress() })).status).toBe(201)
  })
})

test('A57 a rate of 0 sets no limit, and an honest batch of the largest size is far within the usual one', async () => {
  await withNode({ BODY_BYTES_PER_SECOND: '0', BODY_BYTES_BURST: '1' }, async (node) => {
    const { token } = await node.signIn('Guest')
    expect((await node.ask('POST', '/v1/mutations', { token, body: '['.repeat(60_000) })).status).toBe(400)
  })
  await withNode({}, async (node) => {
    const { token } = await node.signIn('Guest')
    const space = freshId('space')
    await node.mutate(token, { space, name: 'space.create', args: { name: 'Space' } })
    for (let round = 0; round < 5; round += 1) {
      const content = ['x'.repeat(60_000)]
      const wanted = Array.from({ length: 16 }, () => ({
        space,
        name: 'intention.create' as const,
        args: { id: uuid(), type: 'utterance' as const, content },
      }))
      expect((await node.mutate(token, ...wanted)).map(({ status }) => status)).toEqual(Array(16).fill('applied'))
    }
  })
})

test.each([65, 2_000, 32_000])(
  'A58 a body that nests %i deep is malformed on every route, and is not parsed',
  async (depth) => {
    const shapes = [
      ['[', ']'],
      ['{"a":', '}'],
      ['{"mutations":[', ']}'],
    ] as const
    for (const [path, who, bytes] of BODIES)
      for (const [open, close] of shapes) {
        const body = `${open.repeat(depth)}1${close.repeat(depth)}`
        const answer = await api.ask('POST', path, { ...(await tokenOf(who)), body })
        const expected = body.length > bytes ? [413, 'too-large', undefined] : [400, 'malformed', undefined]
        expect([path, ...problemOf(answer)]).toEqual([path, ...expected])
      }
    // A text full of brackets is not deep.
    const { token } = await api.signIn('Guest')
    const space = freshId('space')
    const content = [`${'['.repeat(depth)}"\\"${'{'.repeat(depth / 2)}`.slice(0, 60_000)]
    const results = await api.mutate(
      token,
      { space, name: 'space.create', args: { name: 'Space' } },
      { space, name: 'intention.create', args: { id: uuid(), type: 'utterance', content } },
    )
    expect(results.map(({ status }) => status)).toEqual(['applied', 'applied'])
  },
)

test('A58 free JSON as deep as it may be is taken, and deeper is malformed with its path', async () => {
  const { token } = await api.signIn('Guest')
  const nested = (depth: number): object => (depth === 1 ? {} : { a: nested(depth - 1) })
  const create = (depth: number) => ({
    id: uuid(),
    space: null,
    name: 'being.create',
    args: { id: freshId('b'), type: 'bot', name: 'b', metadata: nested(depth) },
  })
  const ask = (depth: number) => api.ask('POST', '/v1/mutations', { token, body: { mutations: [create(depth)] } })
  expect((await ask(32)).status).toBe(200)
  expect(problemOf(await ask(33))).toEqual([400, 'malformed', 'mutations.0.args.metadata'])
})

/** The statuses of many asked at once, each kind once: of a rate, a few get through and the rest do not. */
async function statusesOf(count: number, ask: () => Promise<Answer>): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, ask))
  return [...new Set(answers.map(({ status }) => status))].sort((left, right) => left - right)
}

test('A59 mutations that are refused, for their number, size or form, are taken from the rate like others', async () => {
  const env = {
    MUTATIONS_PER_SECOND: '1',
    MUTATIONS_BURST: '10',
    MAX_MUTATIONS_PER_BATCH: '4',
    MAX_CONTENT_BYTES: '100',
  }
  await withNode(env, async (node) => {
    const large = { id: uuid(), space: '@s', name: 'intention.append', args: { id: uuid(), text: 'x'.repeat(200) } }
    const refusals: [string, unknown, number][] = [
      ['too many', { mutations: Array.from({ length: 50 }, () => ({})) }, 413],
      ['too large', { mutations: [large, large, large, large] }, 413],
      ['malformed', { mutations: [{}, {}, {}, {}] }, 400],
      ['no batch', { mutations: 7 }, 400],
      ['no body', '7', 400],
    ]
    for (const [what, body, status] of refusals) {
      const { token } = await node.signIn('Guest')
      const statuses = await statusesOf(60, () => node.ask('POST', '/v1/mutations', { token, body }))
      expect([what, ...statuses]).toEqual([what, status, 429])
    }
  })
})

test('A59 signals that are refused are taken from the rate like others', async () => {
  await withNode({ SIGNALS_PER_SECOND: '1', SIGNALS_BURST: '5' }, async (node) => {
    for (const [body, status] of [
      [{ name: 'x', data: { text: 'x'.repeat(1500) } }, 413],
      [{ name: '' }, 400],
    ] as const) {
      const { token } = await node.signIn('Guest')
      const signal = () => node.ask('POST', '/v1/spaces/@s/signals', { token, body })
      expect(await statusesOf(60, signal)).toEqual([status, 429])
    }
  })
})

test('A59 attempts to sign in that are refused are taken from the rate of their address like others', async () => {
  await withNode({ TRUST_PROXY: '1', SESSIONS_PER_SECOND: '1', SESSIONS_BURST: '5' }, async (node) => {
    const { being } = await node.signIn('Taken')
    for (const [body, status] of [
      [{ name: '' }, 400],
      [{ name: 'x', id: 'no' }, 400],
      [{ name: 'x', id: being.id }, 409],
    ] as const) {
      const headers = { 'x-forwarded-for': freshAddress() }
      const signIn = () => node.ask('POST', '/v1/sessions', { headers, body })
      expect(await statusesOf(60, signIn)).toEqual([status, 429])
    }
  })
})

const MEBIBYTE = 1_048_576 - 1000
const filled = (part: string, bytes = MEBIBYTE): string =>
  Array.from({ length: Math.floor(bytes / (part.length + 1)) }, () => part).join(',')
const keys = (bytes = MEBIBYTE): string => {
  let text = '"a":0'
  for (let index = 0; text.length < bytes; index += 1) text += `,"${index.toString(36)}":0`
  return text
}
const saying = (content: string): string =>
  `{"id":"${uuid()}","space":"@s","name":"intention.create","args":{"id":"${uuid()}","type":"utterance","content":${content}}}`
const creating = (metadata: string): string =>
  `{"id":"${uuid()}","space":null,"name":"being.create","args":{"id":"@b","type":"bot","name":"b","metadata":${metadata}}}`
const batch = (...mutations: string[]): string => `{"mutations":[${mutations.join(',')}]}`
const spread = (part: string): string =>
  batch(...Array.from({ length: 16 }, () => saying(`[${filled(part, 60_000)}]`)), saying('[7]'))

test.each([
  ['many texts in one', batch(saying(`[${filled('""')}]`)), 413, 'mutations.0.args.content'],
  ['many nodes in one', batch(saying(`[${filled('{"type":"a"}')}]`)), 413, undefined],
  ['many numbers in one', batch(creating(`{"a":[${filled('0')}]}`)), 413, 'mutations.0.args.metadata'],
  ['many keys in one', batch(creating(`{${keys()}}`)), 413, undefined],
  ['many arguments', batch(`{"id":"${uuid()}","space":"@s","name":"space.remove","args":{${keys()}}}`), 413, undefined],
  ['many fields of a body', `{${keys()}}`, 413, undefined],
  ['many mutations', `{"mutations":[${filled('""')}]}`, 413, 'mutations'],
  ['many empty mutations', `{"mutations":[${filled('{}')}]}`, 413, undefined],
  ['many texts in many', spread('""'), 400, 'mutations.16.args.content.0'],
  ['many nodes in many', spread('{"type":"a"}'), 413, undefined],
  ['many arrays in many', spread('{"type":"a","b":[[],[],[],[],[],[]]}'), 413, undefined],
  ['many escapes', batch(saying(`["${'\\"'.repeat(MEBIBYTE / 2)}"]`)), 413, 'mutations.0.args.content'],
])('A61 a mebibyte of %s is refused before it costs more than others', async (_what, body, status, path) => {
  const { token } = await api.signIn('Guest')
  const begunAt = performance.now()
  const answer = await api.ask('POST', '/v1/mutations', { token, body })
  const tookMs = performance.now() - begunAt
  expect([answer.status, problemSchema.parse(answer.body).path]).toEqual([status, path])
  expect(tookMs).toBeLessThan(3000)
})

test('A61 a body has a number of objects, arrays and keys, however it is filled with them', async () => {
  await withNode({ MAX_BODY_PARTS: '1000', MUTATIONS_BURST: '10000' }, async (node) => {
    const { token } = await node.signIn('Guest')
    const send = (parts: number) =>
      node.ask('POST', '/v1/mutations', { token, body: `{"mutations":[${'[],'.repeat(parts - 3)}7]}` })
    expect(problemOf(await send(1000))).toEqual([413, 'too-large', 'mutations'])
    expect(problemOf(await send(1001))).toEqual([413, 'too-large', undefined])
    expect(problemOf(await send(100_000))).toEqual([413, 'too-large', undefined])
  })
})
