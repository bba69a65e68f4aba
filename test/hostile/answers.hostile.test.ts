/**
 * Malformed and oversized input on every endpoint and every frame: each gets a clear error with a code, and nobody
 * else notices. The endpoints are taken from the api's own OpenAPI document, so that a new one is covered unasked.
 */
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { addressOf, isForGateways, isForOperators } from './operations.ts'
import { apply, call, freshId, type Session, signIn, utterance } from '../wire/api-caller.ts'

let cluster: Cluster
let api: string
let gateway: string
let ada: Session
let internalApi: string
let space: string

beforeAll(async () => {
  cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: provided('TEST_REDIS_URL'),
    gateways: 1,
  })
  api = cluster.apis[0]?.url ?? ''
  internalApi = cluster.apis[0]?.internalUrl ?? ''
  gateway = cluster.gateways[0]?.url ?? ''
  ada = await signIn(api, 'Ada')
  space = freshId('hostile')
  await apply(api, ada.token, { space, name: 'space.create', args: { name: 'Hostile' } })
})
afterAll(() => cluster?.stop())

interface OpenApi {
  openapi: string
  paths: Record<string, Record<string, { requestBody?: unknown; parameters?: { in: string; name: string }[] }>>
}

const operations = async (): Promise<{ method: string; path: string; hasBody: boolean }[]> => {
  const documents = await Promise.all(
    [api, internalApi].map(async (address) => (await call<OpenApi>(address, 'GET', '/openapi.json')).body),
  )
  for (const { openapi } of documents) expect(openapi).toMatch(/^3\.1/)
  return documents
    .flatMap(({ paths }) => Object.entries(paths))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path: path.replaceAll(/\{[^}]+\}/g, (name) =>
          name === '{space}' ? space : name === '{being}' ? '@nobody' : uuidv7(),
        ),
        hasBody: operation.requestBody !== undefined,
      })),
    )
}

const tokenFor = (path: string): string => {
  if (isForOperators(path)) return cluster.operatorToken
  return isForGateways(path) ? cluster.internalToken : ada.token
}

const at = (path: string): string => addressOf({ url: api, internalUrl: internalApi }, path)

const expectProblem = (
  answer: { status: number; body: unknown; headers: Headers },
  statuses: readonly number[],
): void => {
  expect(statuses).toContain(answer.status)
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  expect(answer.body).toMatchObject({ status: answer.status, code: expect.any(String), detail: expect.any(String) })
}

test('H14 every endpoint with a body refuses what is malformed, of another type or too large, with a problem document', async () => {
  const withBody = (await operations()).filter(({ hasBody }) => hasBody)
  expect(withBody.length).toBeGreaterThanOrEqual(3)
  for (const { method, path } of withBody) {
    const token = tokenFor(path)
    for (const body of [
      '{',
      '[]',
      '"text"',
      'null',
      '{"name":7,"mutations":7,"id":7}',
      '{"__proto__":1,"mutations":[{}]}',
    ])
      expectProblem(await call(at(path), method, path, { token, body }), [400])
    expectProblem(
      await call(at(path), method, path, { token, body: '<a/>', headers: { 'content-type': 'text/xml' } }),
      [415],
    )
    const tooLarge = JSON.stringify({ name: 'x'.repeat(16 * 1024 * 1024) })
    expectProblem(await call(at(path), method, path, { token, body: tooLarge }), [413])
  }
})

test('H14 every endpoint but the open ones refuses a missing, broken or foreign token', async () => {
  const open = ['POST /v1/sessions', 'POST /v1/sessions/renew', 'GET /v1/sign-in', 'GET /.well-known/jwks.json']
  const guarded = (await operations()).filter(({ method, path }) => !open.includes(`${method} ${path}`))
  expect(guarded.length).toBeGreaterThanOrEqual(12)
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"@root","exp":9999999999}').toString('base64url')}.`
  for (const { method, path, hasBody } of guarded)
    for (const token of [undefined, 'nonsense', unsigned, `${ada.token}x`]) {
      const answer = await call(at(path), method, path, {
        ...(token === undefined ? {} : { token }),
        ...(hasBody ? { body: {} } : {}),
      })
      expectProblem(answer, [401])
      if (token !== undefined) expect(JSON.stringify(answer.body)).not.toContain(token)
    }
})

test('H14 query strings and path names that are not understood are 400 or 404, never 500', async () => {
  for (const path of [
    '/v1/spaces/NOT-AN-ID',
    '/v1/spaces/@-x',
    `/v1/spaces/${space}/changes`,
    `/v1/spaces/${space}/changes?epoch=x&after=1`,
    `/v1/spaces/${space}/changes?epoch=${uuidv7()}&after=-1`,
    `/v1/spaces/${space}/changes?epoch=${uuidv7()}&after=1e99`,
    `/v1/spaces/${space}/intentions?before=x`,
    `/v1/spaces/${space}/intentions?limit=0`,
    `/v1/spaces/${space}/beings?limit=99999`,
    `/v1/spaces/${space}/beings?cursor=%00`,
    '/v1/spaces?limit=x',
    '/v1/spaces?cursor=%F0%28',
    '/v1/beings',
    '/v1/beings?ids=,',
    `/v1/beings?ids=${Array.from({ length: 101 }, (_, index) => `@b${index}`).join(',')}`,
    '/v1/mutations/x',
    '/v1/nothing',
    '/%2e%2e/etc/passwd',
  ])
    expectProblem(await call(api, 'GET', path, { token: ada.token }), [400, 404])
  expectProblem(await call(api, 'DELETE', '/v1/spaces', { token: ada.token }), [404, 405])
})

test('H14 a batch over the limit, or content over the limit, is refused whole', async () => {
  const many = Array.from({ length: 101 }, () => ({ id: uuidv7(), ...utterance(space, 'x') }))
  expectProblem(await call(api, 'POST', '/v1/mutations', { token: ada.token, body: { mutations: many } }), [413])
  const large = [
    { id: uuidv7(), ...utterance(space, 'fine') },
    { id: uuidv7(), ...utterance(space, 'x'.repeat(65 * 1024)) },
  ]
  const answer = await call<{ path: string }>(api, 'POST', '/v1/mutations', {
    token: ada.token,
    body: { mutations: large },
  })
  expectProblem(answer, [413])
  expect(answer.body.path).toContain('mutations.1')
  expect((await call(api, 'GET', `/v1/mutations/${large[0]?.id}`, { token: ada.token })).status).toBe(404)
})

test('H14 text that Postgres cannot keep is refused with its path and costs nobody else anything', async () => {
  for (const bad of ['a\\u0000b', '\\ud800']) {
    const body = `{"mutations":[{"id":"${uuidv7()}","space":"${space}","name":"intention.create","args":{"id":"${uuidv7()}","type":"utterance","content":["${bad}"]}}]}`
    const [answer] = await Promise.all([
      call<{ path: string }>(api, 'POST', '/v1/mutations', { token: ada.token, body }),
      ...Array.from({ length: 5 }, (_, index) => apply(api, ada.token, utterance(space, `beside ${index}`))),
    ])
    expectProblem(answer, [400])
    expect(answer.body.path).toContain('mutations.0.args.content.0')
  }
})

const hello = (): object => ({ type: 'hello', protocol: 1, token: ada.token })

test('H14 frames that are not understood get an error with a code, and the connection goes on', async () => {
  const socket = await RawClient.welcomed(gateway, ada.token)
  socket.sendText(
    '{nonsense\n{"type":"subscribe"}\n{"type":"subscribe","space":"NOT"}\n{"type":"dance"}\n\n{"type":"ping"}',
  )
  await socket.frame('pong')
  const errors = socket.frames.filter((frame) => frame.type === 'error')
  expect(errors.map((frame) => frame.code)).toEqual(['malformed', 'malformed', 'malformed'])
  socket.send({ type: 'subscribe', space })
  await socket.frame('snapshot')
  socket.close()
})

test.each([
  ['another protocol version', () => ({ ...hello(), protocol: 99 }), 4502],
  ['a broken token', () => ({ ...hello(), token: 'x.y.z' }), 4501],
  ['something before hello', () => ({ type: 'subscribe', space: '@lobby' }), 4501],
])('H14 %s is closed with its code', async (_what, first, code) => {
  const socket = await new RawClient(gateway).opened()
  socket.send(first())
  expect((await socket.hasClosed()).code).toBe(code)
  expect(socket.frames.some((frame) => frame.type === 'welcome')).toBe(false)
})

test('H14 a frame over the size limit is answered, and who goes on is closed with 4504; others are not touched', async () => {
  const bystander = await RawClient.welcomed(gateway, ada.token)
  const socket = await RawClient.welcomed(gateway, ada.token)
  const large = JSON.stringify({ type: 'signal', space, name: 'x', data: { text: 'x'.repeat(70 * 1024) } })
  const keepSending = setInterval(() => socket.isOpen && socket.sendText(large), 20)
  const { code } = await socket.hasClosed().finally(() => clearInterval(keepSending))
  expect(code).toBe(4504)
  bystander.send({ type: 'ping' })
  await bystander.frame('pong')
  bystander.close()
})

test('H14 too many frames: rate-limited first, then 4504 for who goes on', async () => {
  const socket = await RawClient.welcomed(gateway, ada.token)
  const flood = setInterval(() => {
    for (let index = 0; index < 50 && socket.isOpen; index += 1) socket.send({ type: 'ping' })
  }, 5)
  const { code } = await socket.hasClosed().finally(() => clearInterval(flood))
  expect(code).toBe(4504)
  const limited = socket.frames.find((frame) => frame.type === 'error' && frame.code === 'rate-limited')
  expect(limited).toMatchObject({ retryAfterMs: expect.any(Number) })
})

test('H14 more subscriptions than allowed get an error that names the limit', async () => {
  const socket = await RawClient.welcomed(gateway, ada.token)
  const spaces = Array.from({ length: 65 }, (_, index) => ({ id: freshId(`many${index}`) }))
  await apply(api, ada.token, ...spaces.map(({ id }) => ({ space: id, name: 'space.create', args: { name: id } })))
  for (const { id } of spaces) socket.send({ type: 'subscribe', space: id })
  expect(await socket.frame('error', (frame) => frame.code === 'too-many')).toMatchObject({ space: spaces[64]?.id })
  let looked = 0
  await socket.until('64 snapshots', () => {
    // On a busy machine a read may come too late, which is said; it is asked for again.
    for (const frame of socket.frames.slice(looked))
      if (frame.type === 'error' && frame.code === 'unavailable') socket.send({ type: 'subscribe', space: frame.space })
    looked = socket.frames.length
    return socket.frames.filter((frame) => frame.type === 'snapshot').length === 64
  })
  socket.close()
})

test('H14 a page of a foreign origin is closed with 4503', async () => {
  const socket = new RawClient(gateway, { origin: 'https://evil.example' })
  expect((await socket.hasClosed()).code).toBe(4503)
})

test('H14 binary garbage does not hurt the node', async () => {
  const socket = await RawClient.welcomed(gateway, ada.token)
  socket.sendText(Buffer.from([0xff, 0xfe, 0x00, 0x01]))
  await socket.until(
    'an error or a close',
    () => socket.closed !== undefined || socket.frames.some((frame) => frame.type === 'error'),
  )
  const next = await RawClient.welcomed(gateway, ada.token)
  expect(next.isOpen).toBe(true)
  next.close()
  socket.close()
})
