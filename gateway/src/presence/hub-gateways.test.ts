/**
 * Several gateways' presence over one model of Redis, in virtual time (testing/presence-world.ts): gateways die and
 * stop.
 */
import { expect, test } from 'vitest'
import { calm, frames, names, settings, SPACE, watch } from '../testing/presence-world.ts'

test('G110 a killed gateway: all it held leave within the lease, in one frame; who came back elsewhere never blinks', async () => {
  const world = await calm(3)
  const watcher = await watch(world, 2)
  for (let index = 0; index < 20; index++) world.come(0, `@b${index}`)
  world.come(1, '@stays')
  await world.time.pass(4000)
  expect(watcher.hereCount).toBe(21)
  const told = frames(watcher)
  world.kill(0)
  await world.time.pass(1000)
  for (let index = 0; index < 5; index++) world.come(1, `@b${index}`)
  await world.time.pass(settings.lease.leaseMs - 1000)
  expect(watcher.frames.slice(told)).toHaveLength(1)
  expect(watcher.frames[told]?.left).toHaveLength(15)
  expect(names(watcher)).toEqual(world.expected())
  expect([...world.stored().keys()].sort()).toEqual(world.expected())
  expect([...world.redis.entries(SPACE).keys()].some((field) => field.startsWith('g0'))).toBe(false)
  // Also those five who are here elsewhere: they were seen.
  const seen = [1, 2].flatMap((index) => [...world.node(index).lastSeen.keys()])
  expect(new Set(seen)).toEqual(new Set(Array.from({ length: 20 }, (_, index) => `@b${index}`)))
})

test('G117 a gateway dies in spaces that nobody watches: within the lease nothing of it is left, and all are last seen', async () => {
  const world = await calm(2)
  for (let index = 0; index < 50; index++) {
    world.come(0, `@b${index}`, `@s${index}`)
    world.node(0).close(`@s${index}`)
  }
  world.come(1, '@b0', '@s0')
  await world.time.pass(7000)
  const heartbeatAt = world.redis.heartbeats.get('g0_1000000-1') ?? 0
  world.kill(0)
  await world.time.pass(settings.lease.leaseMs)
  expect([...world.redis.hashes.keys()]).toEqual(['@s0'])
  expect([...world.redis.entries('@s0').keys()]).toEqual(['g1_1000000-1/@b0'])
  expect([...world.redis.heartbeats.keys()]).toEqual(['g1_1000000-1'])
  expect([...world.redis.spaces.keys()]).toEqual(['g1_1000000-1'])
  expect([...world.node(1).lastSeen.values()]).toEqual(Array.from({ length: 50 }, () => heartbeatAt))
})

test('G117 all gateways die: the next one started clears up after them', async () => {
  const world = await calm(2)
  for (const index of [0, 1]) world.come(index, `@b${index}`, `@s${index}`)
  await world.time.pass(1000)
  for (const index of [0, 1]) world.kill(index)
  await world.time.pass(60_000)
  expect(world.redis.hashes.size).toBe(2)
  world.start(0)
  await world.time.pass(1000)
  expect([world.redis.hashes.size, world.redis.spaces.size, world.redis.heartbeats.size]).toEqual([0, 0, 1])
  expect([...world.node(0).lastSeen.keys()].sort()).toEqual(['@b0', '@b1'])
})

test('G117 what could not be cleared up is tried again', async () => {
  const world = await calm(2)
  world.come(0, '@ada', '@quiet')
  await world.time.pass(1000)
  world.kill(0)
  while (!world.redis.commands.has('spacesOf')) await world.time.pass(1)
  world.node(1).cut()
  await world.time.pass(100)
  expect(world.redis.entries('@quiet').size).toBe(1)
  world.node(1).connect()
  await world.time.pass(settings.lease.leaseMs)
  expect([...world.redis.hashes.keys()]).toEqual([])
  expect([...world.redis.heartbeats.keys()]).toEqual(['g1_1000000-1'])
})

test('G111 a gateway stopped past its lease finds out, takes another boot id and is whole again', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  for (const being of ['@ada', '@bob']) world.come(0, being)
  await world.time.pass(1000)
  world.node(0).gate.stop()
  await world.time.pass(60_000)
  expect(names(watcher)).toEqual([])
  expect(world.stored().size).toBe(0)
  world.node(0).gate.go()
  await world.time.pass(1000)
  expect(names(watcher)).toEqual(['@ada', '@bob'])
  const fields = [...world.redis.entries(SPACE).keys()].sort()
  expect(fields).toEqual([
    expect.stringMatching(/^g0_1000000-(?!1\/)\d+\/@ada$/),
    expect.stringMatching(/^g0_1000000-(?!1\/)\d+\/@bob$/),
  ])
  expect(watcher.frozen).toBe(false)
})

test('G115 a gateway that stops takes its lease and whoever is left with it', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  const ada = world.come(0, '@ada')
  world.come(0, '@bob')
  await world.time.pass(1000)
  world.go(ada)
  const emptied = world.node(0).hub.whenEmpty()
  let isEmpty = false
  void emptied.then(() => (isEmpty = true))
  await world.time.pass(5000)
  expect(isEmpty).toBe(false)
  void world.node(0).hub.stop()
  await world.time.pass(300)
  expect(names(watcher)).toEqual([])
  expect(world.redis.entries(SPACE).size).toBe(0)
  expect([...world.redis.leases.keys()]).toEqual(['g1_1000000-1'])
  expect([...world.node(0).lastSeen.keys()].sort()).toEqual(['@ada', '@bob'])
})
