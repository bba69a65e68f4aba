/** Presence over a real Redis: what is written when, and keys of ours that hold something else. */
import { Worker } from 'node:worker_threads'
import { eventually } from '@rhizom/kit/eventually.ts'
import { systemClock } from '@rhizom/machine'
import { ConditionLog } from '@rhizom/process'
import { type BeingId, REDIS, type SpaceId } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { afterAll, afterEach, expect, onTestFinished, test } from 'vitest'
import { redisUrl, sealForTests, TestGateway, TestLog } from '../testing/test-gateway.ts'
import { RedisPresenceStore } from './presence-store.ts'

/** Where no other test looks: the channels of Redis are common to its databases, the keys are not. */
const url = new URL('/9', redisUrl()).href
const redis = new Redis(url)
afterEach(() => redis.flushdb())
afterAll(() => redis.disconnect())

test('G119 a key that holds something else costs what is in it, and freezes nobody', async () => {
  await redis.set(REDIS.knownGateways, 'something else')
  const gateway = await TestGateway.start({ REDIS_URL: url, PRESENCE_LEASE_MS: '1000', PRESENCE_WINDOW_MS: '20' })
  onTestFinished(() => gateway.stop())
  const spaces = [gateway.server.space(), gateway.server.space()]
  const [odd] = spaces
  await redis.set(REDIS.here(odd?.id ?? ''), 'something else')
  await eventually('the lease is held', async () => (await gateway.metric('presence_lease_held')) === 1)
  const ada = await gateway.client('@ada')
  for (const { id } of spaces) await ada.subscribed(id)
  const told = (space: string, what: 'joined' | 'left'): string[] =>
    ada.frames.flatMap((frame) => {
      if (frame.type !== 'presence' || frame.space !== space) return []
      return what === 'left' ? frame.left : frame.joined.map(({ being }) => being)
    })
  const bob = await gateway.client('@bob')
  for (const { id } of spaces) {
    expect(await bob.subscribed(id)).toMatchObject({ here: [{ being: '@ada' }, { being: '@bob' }], hereCount: 2 })
    await eventually(`@bob is seen in ${id}`, () => told(id, 'joined').includes('@bob'))
  }
  const replies = await gateway.metric('presence_wrong_types_total')
  // Heartbeats go on and count entries.
  await eventually('heartbeats go on', async () => (await gateway.metric('presence_wrong_types_total')) > replies + 4)
  expect(await gateway.metric('presence_frozen_spaces')).toBe(0)
  expect(await gateway.metric('presence_lease_held')).toBe(1)
  expect(await gateway.metric('presence_leases_taken_total')).toBe(1)
  const saysSo = ({ message }: { message: string }): boolean => message.includes('holds something else')
  expect(gateway.log.lines.filter(saysSo)).toHaveLength(1)
  bob.terminate()
  for (const { id } of spaces) await eventually(`@bob is gone from ${id}`, () => told(id, 'left').includes('@bob'))
  expect(ada.frames.filter((frame) => frame.type === 'presence' && frame.frozen)).toEqual([])
  // What is put right is found right again, and written.
  await redis.del(REDIS.here(odd?.id ?? ''))
  await eventually('the hash is written again', async () => (await redis.hlen(REDIS.here(odd?.id ?? ''))) === 1)
})

/** Sets the first number to 1 when it is subscribed, and the second when something was published. */
const LISTENS = `
  const { createRequire } = require('node:module')
  const { workerData } = require('node:worker_threads')
  const { Redis } = createRequire(workerData.here)('ioredis')
  const told = new Int32Array(workerData.told)
  const tell = (index) => { Atomics.store(told, index, 1); Atomics.notify(told, index) }
  const redis = new Redis(workerData.url)
  redis.on('message', () => tell(1))
  redis.subscribe(workerData.channel).then(() => tell(0))
`

test('G175 others hear of a join although the gateway that wrote it stands still', async () => {
  const log = new TestLog()
  const condition = new ConditionLog({ name: 'redis', log, clock: systemClock, whenGood: 'good again' })
  const nothing = (): void => undefined
  const store = new RedisPresenceStore({
    ...{ url, log, condition, clock: systemClock, random: Math.random, seal: sealForTests() },
    ...{ timeoutMs: 20_000, hashTtlMs: 60_000, counted: nothing, wrongType: nothing, demoted: nothing },
  })
  const space = '@stands-still' as SpaceId
  const told = new SharedArrayBuffer(8)
  const channel = sealForTests().names.spaceChannel(space)
  const worker = new Worker(LISTENS, { eval: true, workerData: { here: import.meta.url, url, told, channel } })
  onTestFinished(async () => {
    store.stop()
    condition.stop()
    await worker.terminate()
  })
  await new Promise<void>((connected) => store.start({ connected, failed: nothing }))
  const seen = new Int32Array(told)
  await eventually('it is listened to', () => Atomics.load(seen, 0) === 1)
  const put = new Map([['@ada' as BeingId, { state: {}, since: 1, setAt: 0, rev: 1 }]])
  const writing = store.write([
    {
      ...{ space, put, left: new Map(), isWhole: true, hint: { put: Object.fromEntries(put), left: {}, formerly: [] } },
      range: { epoch: 'stands-still', from: 0, to: 1 },
    },
  ])
  // From here on this thread does nothing, as if it had been taken off the processor.
  expect(Atomics.wait(seen, 1, 0, 20_000)).not.toBe('timed-out')
  await writing
})
