/** What arrives on the bus: changes in order, heads from one node at a time, signals; and life without Redis. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { targetOf, TcpProxy } from '@rhizom/kit/tcp-proxy.ts'
import {
  parseHeadsMessage,
  parseServerMessage,
  parseSpaceMessage,
  presenceAnswerSchema,
  problemSchema,
  REDIS,
  snapshotSchema,
} from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { freshId, sealedEntry, startApi, type TestApi, uuid, type Wanted } from '../testing/test-api.ts'

let database: FreshDatabase
let redisProxy: TcpProxy
/** Of both, in their order. */
let databaseProxies: TcpProxy[]
let api: TestApi
let other: TestApi
let bus: Redis
const heard = new Map<string, Buffer[]>()

beforeAll(async () => {
  database = await freshDatabase()
  const redisUrl = new URL(process.env['TEST_REDIS_URL'] ?? '')
  bus = new Redis(redisUrl.href)
  bus.on('messageBuffer', (channel: Buffer, sealed: Buffer) => {
    const message = api.node.seal.open(channel.toString(), sealed)
    if (message === undefined) return
    const messages = heard.get(channel.toString()) ?? []
    messages.push(message)
    heard.set(channel.toString(), messages)
  })
  redisProxy = await TcpProxy.listen('redis', targetOf(redisUrl.href))
  redisUrl.port = `${redisProxy.port}`
  databaseProxies = await Promise.all([1, 2].map(() => TcpProxy.listen('postgres', targetOf(database.url))))
  const [databaseUrl = '', othersUrl = ''] = databaseProxies.map((proxy) => proxy.through(database.url))
  const env = { REDIS_URL: redisUrl.href, HEADS_INTERVAL_MS: '50', SIGNALS_PER_SECOND: '1', SIGNALS_BURST: '2' }
  api = await startApi({ databaseUrl, env })
  await eventually('a node announces heads', () => api.node.leader.isLeading)
  other = await startApi({ databaseUrl: othersUrl, env: { HEADS_INTERVAL_MS: '50' } })
  await eventually('Redis is up', async () => redisIsUp())
})

afterAll(async () => {
  await Promise.all([api.stop(), other.stop()])
  bus.disconnect()
  await Promise.all([redisProxy, ...databaseProxies].map((proxy) => proxy.close()))
  await database.drop()
})

const redisIsUp = async (): Promise<boolean> =>
  JSON.stringify((await api.ask('GET', '/readyz')).body).includes('"redis":true')

async function newSpace() {
  const space = freshId('space')
  await bus.subscribe(REDIS.spaceChannel(space))
  const { token, being } = await api.signIn('Owner')
  await api.mutate(token, { space, name: 'space.create', args: { name: 'Space' } })
  return { space, token, being: being.id }
}

const say = (space: string): Wanted => ({
  space,
  name: 'intention.create',
  args: { id: uuid(), type: 'utterance', content: ['x'] },
})

function versionsHeard(space: string): number[] {
  return (heard.get(REDIS.spaceChannel(space)) ?? []).flatMap((message) => {
    const parsed = parseSpaceMessage(message)
    if (!parsed.ok || parsed.value.kind !== 'changes') return []
    const [line] = parseServerMessage(Buffer.from(parsed.value.frame).toString())
    if (line?.ok !== true || line.value.type !== 'changes') throw new Error('not a frame of changes')
    return line.value.changes.map(({ version }) => version)
  })
}

test('A20 what many write is published in order, each change once', async () => {
  const { space, token } = await newSpace()
  await Promise.all(Array.from({ length: 20 }, () => api.mutate(token, say(space), say(space), say(space))))
  await eventually('every version is heard', () => versionsHeard(space).length >= 62)
  expect(versionsHeard(space)).toEqual(Array.from({ length: 62 }, (_, index) => index + 1))
})

test('A38 a signal reaches the channel of its space and is limited', async () => {
  const { space, token, being } = await newSpace()
  const signal = () =>
    api.ask('POST', `/v1/spaces/${space}/signals`, { token, body: { name: 'typing', data: { on: true } } })
  const answers = [await signal(), await signal(), await signal()]
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 429])
  const signals = await eventually('the signals are heard', () => {
    const found = (heard.get(REDIS.spaceChannel(space)) ?? []).flatMap((message) => {
      const parsed = parseSpaceMessage(message)
      return parsed.ok && parsed.value.kind === 'signal' ? [parsed.value] : []
    })
    return found.length === 2 && found
  })
  expect(signals[0]?.being).toBe(being)
  expect(JSON.parse(Buffer.from(signals[0]?.frame ?? []).toString())).toEqual({
    type: 'signal',
    space,
    from: being,
    name: 'typing',
    data: { on: true },
  })
})

test.each(['cut', 'blackhole'] as const)(
  'A21 A37 A38 A34 with Redis away (%s) writes go on, signals are refused',
  async (how) => {
    const { space, token } = await newSpace()
    redisProxy[how]()
    const begunAt = performance.now()
    const results = await api.mutate(token, say(space))
    expect(results).toMatchObject([{ status: 'applied', version: 3 }])
    expect(performance.now() - begunAt).toBeLessThan(10_000)
    const refused = await api.ask('POST', `/v1/spaces/${space}/signals`, { token, body: { name: 'typing' } })
    expect([refused.status, problemSchema.parse(refused.body).code]).toEqual([503, 'unavailable'])
    expect(await api.ask('GET', `/v1/spaces/${space}/presence`, { token })).toMatchObject({
      status: 200,
      body: { here: [], hereCount: 0, frozen: true },
    })
    expect((await api.ask('GET', '/readyz')).status).toBe(503)
    expect((await api.ask('GET', '/readyz?exclude=redis')).status).toBe(200)
    const metrics = async () => (await fetch(`${api.internalUrl}/metrics`)).text()
    expect(await metrics()).toMatch(/rhizom_api_published_messages_total\{outcome="dropped"\} [1-9]/)
    // Once what Redis has lent before is used up or forgotten.
    const keptHere = /rhizom_api_budget_total\{budget="mutations",outcome="allowed",kept="here"\} [1-9]/
    await eventually('the budget is kept here', async () => {
      await api.mutate(token, say(space))
      return keptHere.test(await metrics())
    })
    redisProxy.reset()
    redisProxy.heal()
    await eventually('Redis is up', redisIsUp)
    const { length } = versionsHeard(space)
    await eventually('changes are published again', async () => {
      await api.mutate(token, say(space))
      return versionsHeard(space).length > length
    })
  },
)

test.each(['cut', 'blackhole'] as const)(
  'A39 with Redis away (%s) presence is frozen and nobody is said to be here, and known again after',
  async (how) => {
    const { space, token, being } = await newSpace()
    const direct = new Redis(process.env['TEST_REDIS_URL'] ?? '')
    const gateway = uuid()
    try {
      await direct.set(REDIS.gatewayLease(gateway), JSON.stringify({ formerly: [] }), 'PX', 60_000)
      const field = `${gateway}/${being}`
      const entry = sealedEntry(api, REDIS.here(space), field, { state: {}, since: 5, setAt: 5 })
      await direct.hset(REDIS.here(space), field, entry)
      const presence = async () =>
        presenceAnswerSchema.parse((await api.ask('GET', `/v1/spaces/${space}/presence`, { token })).body)
      const known = { here: [{ being, state: {}, since: 5 }], hereCount: 1, frozen: false }
      expect(await presence()).toEqual(known)
      redisProxy[how]()
      expect(await presence()).toEqual({ here: [], hereCount: 0, frozen: true })
      redisProxy.reset()
      redisProxy.heal()
      await eventually('Redis is up', redisIsUp)
      expect(await presence()).toEqual(known)
    } finally {
      await direct.del(REDIS.gatewayLease(gateway), REDIS.here(space))
      direct.disconnect()
    }
  },
)

test('A22 heads are announced also when nothing has changed for long', async () => {
  await bus.subscribe(REDIS.headsChannel)
  await eventually(
    'empty heads are heard',
    () => (heard.get(REDIS.headsChannel)?.filter((message) => message.toString() === '{}').length ?? 0) > 2,
  )
  expect(parseHeadsMessage('{}')).toEqual({ ok: true, value: {} })
})

test('A22 heads name what changed lately, at its latest, and what was removed', async () => {
  await bus.subscribe(REDIS.headsChannel)
  const quiet = freshId('quiet')
  const { space, token } = await newSpace()
  const lastHeads = () => {
    const last = heard.get(REDIS.headsChannel)?.at(-1)
    const parsed = last === undefined ? undefined : parseHeadsMessage(last.toString())
    return parsed?.ok === true ? parsed.value : {}
  }
  const announced = (version: number) =>
    eventually('the head is announced', () => lastHeads()[space]?.version === version && lastHeads())
  const { body } = await api.ask('GET', `/v1/spaces/${space}`, { token })
  const { epoch } = snapshotSchema.parse(body)
  expect(await announced(2)).toMatchObject({ [space]: { epoch, version: 2 } })
  await api.mutate(token, say(space))
  await announced(3)
  await api.mutate(token, { space, name: 'space.remove', args: {} })
  expect(await announced(4)).not.toHaveProperty(quiet)
})

test.each([
  ['before its first announcement is answered', '"changed_at" >'],
  ['while it finds out where the database lives', 'pg_advisory_xact_lock'],
])(
  'A22 another node takes over when the one that announces is cut off, %s, and neither end is told',
  async (_when, asked) => {
    const alone = await freshDatabase()
    const url = new URL(alone.url)
    const proxy = await TcpProxy.listen('postgres', targetOf(url.href))
    url.port = `${proxy.port}`
    const isCut = Promise.withResolvers<void>()
    proxy.watchSending((piece) => {
      if (!piece.includes(asked)) return
      proxy.watchSending(undefined)
      // After this piece is on its way, and for ever.
      setImmediate(() => {
        proxy.abandon()
        proxy.blackhole()
        isCut.resolve()
      })
    })
    const env = { HEADS_INTERVAL_MS: '50' }
    const first = await startApi({ databaseUrl: url.href, env })
    await isCut.promise
    const second = await startApi({ databaseUrl: alone.url, env })
    await eventually('a node announces heads', () => second.node.leader.isLeading)
    await eventually('the other one has given up', () => !first.node.leader.isLeading)
    expect([first.node.leader.isLeading, second.node.leader.isLeading]).toEqual([false, true])
    proxy.reset()
    proxy.heal()
    await Promise.all([first.stop(), second.stop()])
    await proxy.close()
    await alone.drop()
  },
)

test('A22 another node takes over when the one that announces loses its connection', async () => {
  const { space, token } = await newSpace()
  const nodes = [api, other]
  // On a machine that is busy it may not be the first one any more.
  const at = await eventually('one announces heads', () => {
    const leading = nodes.map(({ node }) => node.leader.isLeading)
    return leading.filter(Boolean).length === 1 && { proxy: databaseProxies[leading.indexOf(true)], leading }
  })
  const [former, next] = [true, false].map((was) => nodes.find((_node, index) => at.leading[index] === was))
  at.proxy?.cut()
  await eventually('a node announces heads', () => next?.node.leader.isLeading)
  await eventually('the other one has given up', () => former?.node.leader.isLeading === false)
  at.proxy?.reset()
  at.proxy?.heal()
  heard.delete(REDIS.headsChannel)
  await eventually('heads of the space are heard', async () => {
    await next?.mutate(token, say(space))
    return heard.get(REDIS.headsChannel)?.some((message) => message.toString().includes(space))
  })
  await eventually('the api is ready', async () => (await api.ask('GET', '/readyz')).status === 200)
  expect(former?.node.leader.isLeading).toBe(false)
})
