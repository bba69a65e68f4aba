/** Presence over a real Redis in which keys of ours hold something else. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { REDIS } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { redisUrl, TestGateway } from '../testing/test-gateway.ts'

/** Where no other test looks: the channels of Redis are common to its databases, the keys are not. */
const url = new URL('/9', redisUrl()).href
const redis = new Redis(url)
let gateway: TestGateway
afterEach(async () => {
  await gateway.stop()
  await redis.flushdb()
  redis.disconnect()
})

test('G119 a key that holds something else costs what is in it, and freezes nobody', async () => {
  await redis.set(REDIS.knownGateways, 'something else')
  gateway = await TestGateway.start({ REDIS_URL: url, PRESENCE_LEASE_MS: '1000', PRESENCE_WINDOW_MS: '20' })
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
