/**
 * Limits over a real Redis: sign-ins by address, and what a Redis that falls silent costs those who are not over any.
 */
import { systemClock } from '@rhizom/machine'
import { type AccountTimeouts, beginConnecting, ConditionLog, connectRedis, RedisAccounts } from '@rhizom/process'
import { HeldLog } from '@rhizom/process/testing'
import { eventually } from '@rhizom/kit/eventually.ts'
import { targetOf, TcpProxy } from '@rhizom/kit/tcp-proxy.ts'
import { postSessionAnswerSchema, problemSchema, REDIS } from '@rhizom/protocol'
import { randomInt } from 'node:crypto'
import { v7 as uuid } from 'uuid'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { freshId, startApi, type TestApi, type Wanted } from '../testing/test-api.ts'

const redisUrl = new URL(process.env['TEST_REDIS_URL'] ?? 'redis://unset')

let database: FreshDatabase
let proxy: TcpProxy
let proxiedUrl: string
let sent: Buffer[] = []

beforeAll(async () => {
  database = await freshDatabase()
  proxy = await TcpProxy.listen('redis', targetOf(redisUrl.href))
  proxy.watchSending((piece) => sent.push(piece))
  const url = new URL(redisUrl.href)
  url.port = `${proxy.port}`
  proxiedUrl = url.href
})

afterEach(() => {
  proxy.reset()
  proxy.heal()
  sent = []
})

afterAll(async () => {
  await proxy.close()
  await database.drop()
})

/** How often Redis was asked about the account of this name. */
const questionsAbout = (name: string): number => Buffer.concat(sent).toString('latin1').split(name).length - 1

/** Addresses for documentation, made up anew for each test: the Redis is shared. */
const freshNetwork = (): string => `2001:db8:${randomInt(65_536).toString(16)}:${randomInt(65_536).toString(16)}`

async function withNodes(
  env: Record<string, string>,
  count: number,
  work: (...nodes: TestApi[]) => Promise<void>,
): Promise<void> {
  const nodes = await Promise.all(Array.from({ length: count }, () => startApi({ databaseUrl: database.url, env })))
  try {
    // Who asks before Redis is there is not measured.
    await Promise.all(
      nodes.map((node) =>
        eventually('the api is ready', async () => (await node.ask('GET', '/readyz')).status === 200),
      ),
    )
    await work(...nodes)
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
  }
}

const signInFrom = (node: TestApi, forwardedFor: string, body: object = { name: 'Guest' }) =>
  node.ask('POST', '/v1/sessions', { body, headers: { 'x-forwarded-for': forwardedFor } })

test('A47 guests of one address are limited over all nodes, by the address that the nearest proxy saw', async () => {
  const env = { TRUST_PROXY: '1', SESSIONS_PER_SECOND: '1', SESSIONS_BURST: '3' }
  await withNodes(env, 2, async (one, two) => {
    if (one === undefined || two === undefined) throw new Error('no nodes')
    const network = freshNetwork()
    const begunAt = performance.now()
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        // What came before the proxy of ours is the client's own claim.
        const from = `192.0.2.${index}, ${network}::${index}`
        return { node: index % 2, ...(await signInFrom(index % 2 === 0 ? one : two, from)) }
      }),
    )
    const seconds = (performance.now() - begunAt) / 1000
    const allowed = answers.filter(({ status }) => status === 201)
    expect(allowed.length).toBeGreaterThanOrEqual(3)
    expect(allowed.length).toBeLessThanOrEqual(3 + Math.ceil(seconds))
    const over = answers.filter(({ status }) => status === 429)
    expect(over.length + allowed.length).toBe(answers.length)
    expect(new Set(over.map(({ node }) => node))).toEqual(new Set([0, 1]))
    for (const { body, headers } of over) {
      const { code, retryAfterMs = 0 } = problemSchema.parse(body)
      expect([code, headers.get('retry-after')]).toEqual(['rate-limited', '1'])
      expect(retryAfterMs).toBeGreaterThan(0)
    }
    expect((await signInFrom(one, `${freshNetwork()}::1`)).status).toBe(201)
    const { token } = postSessionAnswerSchema.parse(allowed[0]?.body)
    const headers = { 'x-forwarded-for': `${network}::1` }
    for (let round = 0; round < 5; round += 1)
      expect((await one.ask('POST', '/v1/sessions/current/refresh', { token, headers })).status).toBe(200)
  })
})

test('A47 a rate of 0 limits nobody, and without a trusted proxy no header says where a guest is', async () => {
  const network = freshNetwork()
  await withNodes({ TRUST_PROXY: '1', SESSIONS_PER_SECOND: '0', SESSIONS_BURST: '1' }, 1, async (node) => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => signInFrom(node, `${network}::1`)))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
  })
  sent = []
  await withNodes({ REDIS_URL: proxiedUrl, SESSIONS_PER_SECOND: '20' }, 1, async (node) => {
    expect((await signInFrom(node, `${network}::1`)).status).toBe(201)
    expect(questionsAbout('rhizom:rate:sessions:127.0.0.1')).toBeGreaterThan(0)
  })
})

test('A47 while Redis is away each node limits by itself, and goes on from what all had taken', async () => {
  const env = { REDIS_URL: proxiedUrl, TRUST_PROXY: '1', SESSIONS_PER_SECOND: '1', SESSIONS_BURST: '1000' }
  const network = freshNetwork()
  const own = JSON.stringify({ sessions: { [`${network}::/64`]: { perSecond: 0.001, burst: 2 } } })
  await withNodes({ ...env, BUDGETS: own }, 1, async (node) => {
    expect((await signInFrom(node, `${network}::1`)).status).toBe(201)
    proxy.cut()
    await eventually('the api is not ready', async () => (await node.ask('GET', '/readyz')).status === 503)
    expect((await signInFrom(node, `${network}::1`)).status).toBe(201)
    expect((await signInFrom(node, `${network}::2`)).status).toBe(429)
    // Whoever has no budget of its own has that of all.
    const other = freshNetwork()
    for (let round = 0; round < 5; round += 1) expect((await signInFrom(node, `${other}::1`)).status).toBe(201)
  })
})

test('A48 of many writes while Redis is silent few ask it, and all are applied', async () => {
  await withNodes({ REDIS_URL: proxiedUrl, MUTATIONS_PER_SECOND: '50', MUTATIONS_BURST: '200' }, 1, async (node) => {
    const { token, being } = await node.signIn('Writer')
    const rename = (): Wanted => ({ space: null, name: 'being.update', args: { id: being.id, name: 'x' } })
    await node.mutate(token, rename())
    const measures = ['body-bytes', 'mutations']
    for (const measure of measures) expect(questionsAbout(`rhizom:rate:${measure}:${being.id}`)).toBeGreaterThan(0)
    await eventually('what it was answered is told', () => questionsAbout(`sent-bytes:${being.id}`) > 0)
    sent = []
    proxy.blackhole()
    const begunAt = performance.now()
    const writes = 30
    for (let round = 0; round < writes; round += 1)
      expect(await node.mutate(token, rename())).toMatchObject([{ status: 'applied' }])
    const seconds = (performance.now() - begunAt) / 1000
    const asked = questionsAbout('evalsha')
    expect(asked).toBeGreaterThan(0)
    // One a second, however many write, beside those that were on their way when the first found no answer.
    expect(asked).toBeLessThanOrEqual(8 + Math.floor(seconds))
    expect(asked).toBeLessThan(writes)
    const metrics = await (await fetch(`${node.internalUrl}/metrics`)).text()
    const allowed = (measure: string, kept: string): number =>
      Number(
        new RegExp(`budget_total{budget="${measure}",outcome="allowed",kept="${kept}"} (\\d+)`).exec(metrics)?.[1] ?? 0,
      )
    for (const measure of measures) expect(allowed(measure, 'leased') + allowed(measure, 'here')).toBe(writes)
    expect(allowed('mutations', 'here')).toBeGreaterThan(0)
  })
})

function connected(url: string) {
  const [clock, log] = [systemClock, new HeldLog()]
  const condition = new ConditionLog({ name: 'redis', log, clock, whenGood: 'good' })
  const timeouts = { timeoutMs: 2_000, commandTimeoutMs: 1_000 }
  const redis = connectRedis({ url, name: 'limits', clock, random: Math.random, condition, ...timeouts })
  beginConnecting(redis)
  return redis
}

const oneOf = (account: string) =>
  ({ budget: 'mutations', account, cost: 1, limit: { perSecond: 0.001, burst: 1 } }) as const

test('A48 after a pause one request finds out for all, and once there is an answer all are measured again', async () => {
  const redis = connected(proxiedUrl)
  const account = freshId('account')
  const limiterWith = (timeouts: AccountTimeouts) => {
    const accounts = new RedisAccounts(redis, REDIS, timeouts)
    return () => accounts.ask([oneOf(account)], 'take')
  }
  const isRefused = async (asked: ReturnType<RedisAccounts['ask']>): Promise<boolean> =>
    (await asked)?.refused !== undefined
  const takeTen = (take: () => Promise<unknown>) => Promise.all(Array.from({ length: 10 }, take))
  try {
    await eventually('Redis is connected', () => redis.status === 'ready')
    const patient = limiterWith({ waitMs: 10_000, pauseMs: 0 })
    await patient()
    expect(await isRefused(patient())).toBe(true)
    sent = []
    proxy.blackhole()

    const wary = limiterWith({ waitMs: 20, pauseMs: 3_600_000 })
    await wary()
    await takeTen(wary)
    expect(questionsAbout(account)).toBe(1)

    const usual = limiterWith({ waitMs: 20, pauseMs: 200 })
    await usual()
    expect(questionsAbout(account)).toBe(2)
    const askedAgain = async () => {
      await takeTen(usual)
      return questionsAbout(account) > 2
    }
    await eventually('Redis is asked again', askedAgain)
    expect(questionsAbout(account)).toBe(3)

    proxy.reset()
    proxy.heal()
    await eventually('it is measured again', () => isRefused(usual()))
    expect(await isRefused(usual())).toBe(true)
    await takeTen(wary)
  } finally {
    redis.disconnect()
  }
})

test('A48 an answer that lies unread while the process is busy counts', async () => {
  const redis = connected(redisUrl.href)
  try {
    await eventually('Redis is connected', () => redis.status === 'ready')
    const accounts = new RedisAccounts(redis, REDIS, { waitMs: 20, pauseMs: 0 })
    const asked = accounts.ask([oneOf(freshId('account'))], 'take')
    await new Promise(setImmediate)
    const busyUntil = performance.now() + 300
    while (performance.now() < busyUntil);
    expect(await asked).toMatchObject({ refused: undefined })
  } finally {
    redis.disconnect()
  }
})

test('A406 who has another rate than before owes nothing of what was spent at the former', async () => {
  const redis = connected(redisUrl.href)
  try {
    await eventually('Redis is connected', () => redis.status === 'ready')
    const accounts = new RedisAccounts(redis, REDIS, { waitMs: 10_000, pauseMs: 0 })
    const account = freshId('account')
    const atRate = (perSecond: number) => [{ ...oneOf(account), limit: { perSecond, burst: 1 } }]
    // Far beyond: what would be waited for a day at the former rate.
    for (let round = 0; round < 90; round += 1) await accounts.ask(atRate(0.001), 'spend')
    expect(await accounts.ask(atRate(0.001), 'take')).toMatchObject({ refused: { index: 0 } })
    expect(await accounts.ask(atRate(100), 'take')).toMatchObject({ refused: undefined })
    expect(await accounts.ask(atRate(0.001), 'take')).toMatchObject({ refused: { index: 0 } })
  } finally {
    redis.disconnect()
  }
})

const asked = (token: string, wanted: Wanted) => ({ token, body: { mutations: [{ id: uuid(), ...wanted }] } })

test('A300 what an actor stored beyond its budget is waited for, on every node, and nobody else waits', async () => {
  const env = { STORED_BYTES_PER_SECOND: '1000', STORED_BYTES_BURST: '20000' }
  await withNodes(env, 2, async (one, two) => {
    if (one === undefined || two === undefined) throw new Error('no nodes')
    const [{ token }, other] = [await one.signIn('Loud'), await one.signIn('Quiet')]
    const space = freshId('space')
    const large = freshId('large')
    const put = (to: TestApi, wanted: Wanted) => to.ask('POST', '/v1/mutations', asked(token, wanted))
    await one.mutate(token, { space, name: 'space.create', args: { name: 'Amplified' } })
    const document = { id: large, type: 'document', name: 'Large', content: ['x'.repeat(15_000)] } as const
    await one.mutate(token, { space, name: 'being.create', args: { ...document, content: [...document.content] } })
    // A rename of a hundred bytes stores and sends the whole.
    const rename: Wanted = { space, name: 'being.update', args: { id: large, name: 'Renamed' } }
    expect((await put(one, rename)).status).toBe(200)
    for (const node of [one, two])
      await eventually('it is refused', async () => (await put(node, rename)).status === 429)
    const { body } = await put(two, rename)
    expect(problemSchema.parse(body)).toMatchObject({ code: 'rate-limited', detail: 'over the budget of stored-bytes' })
    expect(problemSchema.parse(body).retryAfterMs).toBeGreaterThan(1000)
    const said: Wanted = {
      space,
      name: 'intention.create',
      args: { id: uuid(), type: 'utterance', content: ['Hello'] },
    }
    expect(await two.mutate(other.token, said)).toMatchObject([{ status: 'applied' }])
  })
})

test('A301 a space that was written to beyond its budget waits, whoever writes, and is not told of to strangers', async () => {
  const env = { SPACE_BYTES_PER_SECOND: '100', SPACE_BYTES_BURST: '5000' }
  await withNodes(env, 1, async (node) => {
    const [{ token }, stranger] = [await node.signIn('Owner'), await node.signIn('Stranger')]
    const [space, quiet] = [freshId('space'), freshId('space')]
    for (const id of [space, quiet])
      await node.mutate(token, { space: id, name: 'space.create', args: { name: 'S', visibility: 'private' } })
    const say = (content: string, to = space): Wanted => ({
      ...{ space: to, name: 'intention.create' },
      args: { id: uuid(), type: 'utterance', content: [content] },
    })
    await node.mutate(token, say('x'.repeat(20_000)))
    const refused = await node.ask('POST', '/v1/mutations', asked(token, say('more')))
    expect([refused.status, problemSchema.parse(refused.body).detail]).toEqual([429, 'over the budget of space-bytes'])
    expect(await node.mutate(token, say('elsewhere', quiet))).toMatchObject([{ status: 'applied' }])
    expect(await node.mutate(stranger.token, say('knock'))).toMatchObject([{ status: 'rejected' }])
  })
})

test('A302 answers cost those who ask, each read something, and others go on', async () => {
  const env = { SENT_BYTES_PER_SECOND: '100', SENT_BYTES_BURST: '100000' }
  await withNodes(env, 1, async (node) => {
    const [{ token }, other] = [await node.signIn('Reader'), await node.signIn('Other')]
    const read = (of: string) => node.ask('GET', '/v1/spaces', { token: of })
    const statuses: number[] = []
    for (let round = 0; round < 60; round += 1) statuses.push((await read(token)).status)
    expect(statuses.slice(0, 6)).toEqual([200, 200, 200, 200, 200, 200])
    expect(statuses).toContain(429)
    // Each costs 4 KiB, which take forty seconds to come back.
    expect(statuses.filter((status) => status === 200).length).toBeLessThan(40)
    expect((await read(other.token)).status).toBe(200)
  })
})
