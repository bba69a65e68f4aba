/**
 * Peers that say half of what they should, or nothing, or do not listen: far more of them than requests may be under
 * way. A node answers everybody else meanwhile, and ends what does not end by itself.
 */
import { eventually } from '@rhizom/kit/eventually.ts'
import { problemSchema } from '@rhizom/protocol'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { Peer } from '@rhizom/kit/peer.ts'
import { headOf } from '../testing/head-of.ts'
import { freshId, startApi, type TestApi, uuid, type Wanted } from '../testing/test-api.ts'

const TIMEOUT_MS = 1000
/** Long enough to open thousands of connections meanwhile, on a busy machine too. */
const FLOOD_TIMEOUT_MS = 12_000
/** Connections are looked at once a second. */
const CLOSED_WITHIN_MS = TIMEOUT_MS + 1000 + 15_000

let database: FreshDatabase
let api: TestApi
const open: Peer[] = []

beforeAll(async () => {
  database = await freshDatabase()
  api = await startApi({ databaseUrl: database.url, env: { REQUEST_TIMEOUT_MS: `${TIMEOUT_MS}` } })
})

afterEach(() => {
  for (const connection of open.splice(0)) connection.socket.destroy()
})

afterAll(async () => {
  await api.stop()
  await database.drop()
})

async function openMany(count: number, said: string, node = api): Promise<Peer[]> {
  const connections = await Peer.openMany(node.url, count)
  open.push(...connections)
  for (const connection of connections) if (said !== '') void connection.send(said)
  return connections
}

const say = (space: string): Wanted => ({
  space,
  name: 'intention.create',
  args: { id: uuid(), type: 'utterance', content: ['x'] },
})

/** What an honest guest does; throws if any of it is refused. */
async function liveAsUsual(node = api): Promise<void> {
  const { token } = await node.signIn('Honest')
  const space = freshId('space')
  await node.mutate(token, { space, name: 'space.create', args: { name: 'Space' } }, say(space))
  const { status, body } = await node.ask('GET', `/v1/spaces/${space}`, { token })
  expect([status, body]).toMatchObject([200, { version: 3 }])
}

const metric = async (node: TestApi, name: string): Promise<number> => {
  const text = await (await fetch(`${node.internalUrl}/metrics`)).text()
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
}

test('A53 thousands of half-sent bodies, heads and silent connections hold up nobody, and are closed', {
  timeout: 60_000,
}, async () => {
  const node = await startApi({ databaseUrl: database.url, env: { REQUEST_TIMEOUT_MS: `${FLOOD_TIMEOUT_MS}` } })
  try {
    // More than may be under way (2,000), none of which is.
    const bodies = await openMany(2400, `${headOf('/v1/sessions', 1000)}{`, node)
    await openMany(100, 'POST /v1/sessions HTTP/1.1\r\nHost: test\r\nContent-Le', node)
    await openMany(100, '', node)
    await eventually('the bodies are on their way', async () => (await metric(node, 'rhizom_api_body_bytes')) > 2000)
    for (let round = 0; round < 3; round += 1) await liveAsUsual(node)
    expect(await metric(node, 'rhizom_api_requests_under_way')).toBe(0)
    await Promise.all(open.map(({ closed }) => closed))
    for (const body of bodies) {
      expect(body.status).toBe(408)
      expect(problemSchema.parse(body.body)).toMatchObject({ status: 408, code: 'timeout' })
    }
    await eventually('no body is held any more', async () => (await metric(node, 'rhizom_api_body_bytes')) === 0)
    await liveAsUsual(node)
  } finally {
    await node.stop()
  }
})

test('A53 a body that comes byte by byte is cut off when its time is up, however busy its sender', async () => {
  const [connection] = await openMany(1, headOf('/v1/sessions', 1_000))
  const begunAt = performance.now()
  const dripping = setInterval(() => void connection?.send(' '), 20)
  await connection?.closed.finally(() => clearInterval(dripping))
  const tookMs = performance.now() - begunAt
  expect(tookMs).toBeGreaterThan(TIMEOUT_MS - 100)
  expect(tookMs).toBeLessThan(CLOSED_WITHIN_MS)
  expect(connection?.status).toBe(408)
})

test('A53 half-sent bodies of requests that are refused anyhow are answered, and their connections closed', async () => {
  const refused: [string, string, number][] = [
    ['/v1/mutations', 'application/json', 401],
    ['/v1/nothing', 'application/json', 404],
    ['/v1/spaces', 'application/json', 405],
    ['/v1/sessions', 'text/plain', 415],
    ['/v1/sessions', 'application/json', 413],
  ]
  const opened = refused.map(([path, type]) =>
    openMany(50, `${headOf(path, 1_000_000).replace('application/json', type)}{`),
  )
  const all = await Promise.all(opened)
  await liveAsUsual()
  for (const [index, many] of all.entries()) {
    await Promise.all(many.map(({ closed }) => closed))
    const [path, , status] = refused[index] ?? []
    const statuses = new Set(many.map((connection) => connection.status))
    expect([path, statuses.has(status)]).toEqual([path, true])
    statuses.delete(408)
    expect([path, ...statuses]).toEqual([path, status])
  }
})

test('A53 a connection whose request was answered is kept, and its next half request is timed as well', async () => {
  const [connection] = await openMany(1, 'GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n')
  expect(await connection?.answered()).toBe(200)
  const begunAt = performance.now()
  void connection?.send(`${headOf('/v1/sessions', 1000)}{`)
  await connection?.closed
  expect(performance.now() - begunAt).toBeLessThan(CLOSED_WITHIN_MS)
  expect(connection?.text).toContain('HTTP/1.1 408 ')
})

test('A53 bytes that are no request end their connection, also if their sender stays', async () => {
  const node = await startApi({ databaseUrl: database.url })
  const count = (): Promise<number> =>
    new Promise((resolve, reject) => {
      node.node.app.server.getConnections((error, connections) =>
        error === null ? resolve(connections) : reject(error),
      )
    })
  try {
    for (const bytes of ['\u0000\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', `GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}`]) {
      const connection = await Peer.open(node.url, { stays: true })
      open.push(connection)
      void connection.send(bytes)
      expect(await connection.answered()).toBe(400)
      await eventually('all are closed', async () => (await count()) === 0)
    }
  } finally {
    await node.stop()
  }
})

test('A41 half-sent requests do not hold up the end, however many', async () => {
  const node = await startApi({ databaseUrl: database.url })
  const half = await Peer.openMany(node.url, 200)
  for (const connection of half) void connection.send(`${headOf('/v1/sessions', 1000)}{`)
  const { status } = await node.ask('GET', '/healthz')
  expect(status).toBe(200)
  const begunAt = performance.now()
  await node.stop()
  expect(performance.now() - begunAt).toBeLessThan(15_000)
  await Promise.all(half.map(({ closed }) => closed))
})

test('A64 an answer that nobody reads is cut off, and gives back its place', async () => {
  const env = { ANSWER_TIMEOUT_MS: '2000', SNAPSHOT_BYTES: '33554432', DATABASE_DEADLINE_MS: '20000' }
  const node = await startApi({ databaseUrl: database.url, env })
  try {
    const { token } = await node.signIn('Talker')
    const space = freshId('space')
    await node.mutate(token, { space, name: 'space.create', args: { name: 'Space' } })
    const large = (): Wanted => ({
      space,
      name: 'intention.create',
      args: { id: uuid(), type: 'utterance', content: ['x'.repeat(60_000)] },
    })
    for (let batch = 0; batch < 15; batch += 1) await node.mutate(token, ...Array.from({ length: 10 }, large))
    const under = async (): Promise<string | undefined> =>
      /rhizom_api_requests_under_way (\d+)/.exec(await (await fetch(`${node.internalUrl}/metrics`)).text())?.[1]
    const deaf = await Peer.openMany(node.url, 4)
    open.push(...deaf)
    for (const { socket } of deaf) {
      socket.pause()
      socket.write(`GET /v1/spaces/${space} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    }
    await eventually('four answers are under way', async () => (await under()) === '4')
    // Who reads gets all of it, also while others do not.
    const { status, body } = await node.ask('GET', `/v1/spaces/${space}`, { token })
    expect([status, JSON.stringify(body).length > 9_000_000]).toEqual([200, true])
    await eventually('no answer is under way', async () => (await under()) === '0')
  } finally {
    await node.stop()
  }
})
