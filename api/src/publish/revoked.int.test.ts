/** What gateways learn of removed beings: at once, again, and when they ask. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { targetOf, TcpProxy } from '@rhizom/kit/tcp-proxy.ts'
import {
  internalRevokedAnswerSchema,
  parseRevokedMessage,
  REDIS,
  type Revoked,
  type RevokedCursor,
} from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Database } from '../db/database.ts'
import { readRemoved } from '../db/read/removed-beings.ts'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { freshId, INTERNAL_TOKEN, startApi, type TestApi } from '../testing/test-api.ts'

const TTL_SECONDS = 600
const HOUR_MS = 3_600_000
let fresh: FreshDatabase
let database: Database
let redisProxy: TcpProxy
let api: TestApi
let leader: TestApi
let bus: Redis
const heard: Revoked[] = []

beforeAll(async () => {
  fresh = await freshDatabase()
  database = new Database({ url: fresh.url, poolSize: 2, deadlineMs: 10_000, name: 'revoked' })
  const redisUrl = new URL(process.env['TEST_REDIS_URL'] ?? '')
  bus = new Redis(redisUrl.href)
  bus.on('messageBuffer', (channel: Buffer, sealed: Buffer) => {
    const message = leader.node.seal.open(channel.toString(), sealed)
    const parsed = parseRevokedMessage(String(message))
    if (parsed.ok) heard.push(parsed.value)
  })
  await bus.subscribe(REDIS.revokedChannel)
  redisProxy = await TcpProxy.listen('redis', targetOf(redisUrl.href))
  redisUrl.port = `${redisProxy.port}`
  const env = { TOKEN_TTL_SECONDS: `${TTL_SECONDS}` }
  leader = await startApi({ databaseUrl: fresh.url, env: { ...env, HEADS_INTERVAL_MS: '200' } })
  await eventually('a node announces heads', () => leader.node.leader.isLeading)
  api = await startApi({ databaseUrl: fresh.url, env: { ...env, REDIS_URL: redisUrl.href } })
  await eventually('the api is ready', async () => (await api.ask('GET', '/readyz')).status === 200)
})

afterAll(async () => {
  await Promise.all([api.stop(), leader.stop(), database.close()])
  bus.disconnect()
  await redisProxy.close()
  await fresh.drop()
})

const timesHeard = (being: string): number[] => heard.flatMap((revoked) => revoked[being] ?? [])

/** Somebody who removes themselves. */
async function leave(): Promise<string> {
  const { token, being } = await api.signIn('Somebody')
  const results = await api.mutate(token, { space: null, name: 'being.remove', args: { id: being.id } })
  expect(results).toMatchObject([{ status: 'applied' }])
  return being.id
}

const ask = async (cursor: RevokedCursor = { since: 0 }, token = INTERNAL_TOKEN) => {
  const after = cursor.after === undefined ? '' : `&after=${cursor.after}`
  return api.ask('GET', `/internal/revoked?since=${cursor.since}${after}`, { token })
}

test('A51 a removal is told when it is committed, until tokens of the being have run out, and told again', async () => {
  const before = Date.now()
  const being = await leave()
  const [until0] = await eventually('the removal is heard', () => timesHeard(being).length > 0 && timesHeard(being))
  expect(until0).toBeGreaterThanOrEqual(before + TTL_SECONDS * 1000)
  expect(until0).toBeLessThan(Date.now() + TTL_SECONDS * 1000 + HOUR_MS)
  const { length } = timesHeard(being)
  await eventually('the removal is heard', () => timesHeard(being).length > length + 1)
  expect(new Set(timesHeard(being))).toEqual(new Set([until0]))
})

test('A51 one who is removed by whom it belongs to is told too', async () => {
  const [owner, bot, space] = [await api.signIn('Owner'), freshId('bot'), freshId('space')]
  await api.mutate(owner.token, { space, name: 'space.create', args: { name: 'Space' } })
  await api.mutate(owner.token, { space, name: 'being.create', args: { id: bot, type: 'bot', name: 'Bot' } })
  await api.mutate(owner.token, { space, name: 'being.remove', args: { id: bot } })
  await eventually('the removal is heard', () => timesHeard(bot).length > 0)
  expect(timesHeard(owner.being.id)).toEqual([])
})

test('A51 what the node that committed it could not tell is told with the heads', async () => {
  redisProxy.cut()
  const being = await leave()
  const [told] = await eventually('the removal is heard', () => timesHeard(being).length > 0 && timesHeard(being))
  expect(told).toBeGreaterThan(Date.now())
  const metrics = await (await fetch(`${api.internalUrl}/metrics`)).text()
  expect(metrics).toMatch(/rhizom_api_revocations_published_total\{outcome="dropped"\} [1-9]/)
  redisProxy.reset()
  redisProxy.heal()
})

test.each([8.64e15, Number.MAX_SAFE_INTEGER])(
  'A52 nobody was removed after %d, which no calendar holds',
  async (since) => {
    const { status, body } = await ask({ since })
    expect(status).toBe(200)
    expect(internalRevokedAnswerSchema.parse(body)).toMatchObject({ revoked: {}, isWhole: true })
  },
)

test('A52 gateways can ask for all, and then for what came since; nobody else can', async () => {
  const first = await leave()
  const all = internalRevokedAnswerSchema.parse((await ask()).body)
  expect(all.isWhole).toBe(true)
  expect(all.revoked[first]).toBeGreaterThan(Date.now() + (TTL_SECONDS - 60) * 1000)
  const second = await leave()
  const since = internalRevokedAnswerSchema.parse((await ask(all.next)).body)
  expect(Object.keys(since.revoked)).toContain(second)
  expect((await ask({ since: 0 }, 'another')).status).toBe(401)
})

test('A52 pages give each removal within the time once, in order, also those of one moment', async () => {
  const ids = Array.from({ length: 7 }, () => freshId('gone'))
  const old = freshId('old')
  const nowMs = Date.now()
  await database.use(async (sql) => {
    for (const id of [...ids, old])
      await sql`insert into beings (id, type, name, metadata, properties, content, rev, created_at, modified_at, removed_at)
        values (${id}, 'guest', 'x', '{}', '{}', '[]', 0, now(), now(),
          ${new Date(nowMs - (id === old ? 3 : 1) * HOUR_MS).toISOString().slice(0, 19)}::timestamptz)`
  })
  const got: string[] = []
  let cursor: RevokedCursor = { since: 0 }
  for (let isWhole = false; !isWhole; ) {
    const page = await database.use((sql) => readRemoved(sql, cursor, 2 * HOUR_MS, 3))
    expect(page.removed.length).toBeLessThanOrEqual(3)
    got.push(...page.removed.map(({ id }) => id))
    ;({ next: cursor, isWhole } = page)
  }
  expect(new Set(got).size).toBe(got.length)
  expect(got.filter((id) => ids.includes(id))).toEqual(ids.toSorted())
  expect(got).not.toContain(old)
})

test('A52 what took long to be committed is not passed over', async () => {
  const being = freshId('slow')
  const read = (cursor: RevokedCursor) => database.use((sql) => readRemoved(sql, cursor, HOUR_MS, 5000))
  const { next } = await database.use(async (sql) => {
    await sql`begin`
    await sql`insert into beings (id, type, name, metadata, properties, content, rev, created_at, modified_at, removed_at)
      values (${being}, 'guest', 'x', '{}', '{}', '[]', 0, now(), now(), now())`
    const meanwhile = await read({ since: 0 })
    expect(meanwhile.removed.map(({ id }) => id)).not.toContain(being)
    await sql`commit`
    return meanwhile
  })
  expect((await read(next)).removed.map(({ id }) => id)).toContain(being)
})
