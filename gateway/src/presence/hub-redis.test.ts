/**
 * Several gateways' presence over one model of Redis, in virtual time (testing/presence-world.ts): Redis is away or
 * forgets.
 */
import { expect, test } from 'vitest'
import type { Log } from '../ports.ts'
import { calm, frames, names, Node, quietLog, settings, SPACE, watch } from '../testing/presence-world.ts'

test('G112 Redis emptied under all: everybody stays on screen, frozen for a while, and is written again', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  for (const [index, being] of ['@ada', '@bob', '@cyd'].entries()) world.come(index % 2, being)
  await world.time.pass(1000)
  const told = frames(watcher)
  world.redis.flush()
  await world.time.pass(settings.lease.leaseMs)
  expect(names(watcher)).toEqual(['@ada', '@bob', '@cyd'])
  expect([...world.stored().keys()].sort()).toEqual(['@ada', '@bob', '@cyd'])
  const after = watcher.frames.slice(told)
  expect(after.flatMap(({ left, joined }) => [...left, ...joined])).toEqual([])
  expect(watcher.frozen).toBe(false)
})

test('G112 who reads an emptied Redis before it knows that its own lease is gone calls nobody away', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  for (const [index, being] of ['@ada', '@bob'].entries()) world.come(index, being)
  await world.time.pass(1000)
  const told = frames(watcher)
  world.redis.flush()
  world.redis.commands.clear()
  world.redis.losesHints = true
  world.come(0, '@cyd')
  await world.time.pass(100)
  world.redis.losesHints = false
  // The hint of this one shows that another is missing: the hash is read.
  world.come(0, '@dan')
  await world.time.pass(500)
  expect(world.redis.commands.get('read')).toBeGreaterThan(0)
  await world.time.pass(settings.lease.leaseMs * 2)
  expect(watcher.frames.slice(told).flatMap(({ left }) => left)).toEqual([])
  expect(names(watcher)).toEqual(['@ada', '@bob', '@cyd', '@dan'])
  expect(watcher.frozen).toBe(false)
})

test('G113 Redis away: one frame says frozen, answers tell what was known, and one frame brings all level', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  const bob = world.come(0, '@bob')
  world.come(0, '@ada')
  await world.time.pass(1000)
  const told = frames(watcher)
  for (const node of world.nodes) node.cut()
  await world.time.pass(1000)
  world.go(bob)
  world.come(1, '@cyd')
  await world.time.pass(60_000)
  expect(watcher.frames.slice(told)).toEqual([{ joined: [], left: [], updated: [], hereCount: 2, frozen: true }])
  const late = world.node(1).subscribe(SPACE).screen
  expect(names(late)).toContain('@ada')
  expect(late.frozen).toBe(true)
  for (const node of world.nodes) node.connect()
  await world.time.pass(1000)
  expect(watcher.frames).toHaveLength(told + 2)
  for (const screen of world.screens()) {
    expect(names(screen)).toEqual(['@ada', '@cyd'])
    expect(screen.frozen).toBe(false)
  }
})

test('G114 a lost hint heals within a lease time, also when it was the last', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  world.come(0, '@ada')
  await world.time.pass(1000)
  world.redis.losesHints = true
  world.come(0, '@bob')
  await world.time.pass(500)
  expect(names(watcher)).toEqual(['@ada'])
  world.redis.losesHints = false
  await world.time.pass(settings.lease.leaseMs)
  expect(names(watcher)).toEqual(['@ada', '@bob'])
})

test('G114 a hash that vanished from Redis is noticed and written again', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  for (const [index, being] of ['@ada', '@bob'].entries()) world.come(index, being)
  await world.time.pass(1000)
  world.redis.hashes.clear()
  await world.time.pass(settings.lease.leaseMs * 2)
  expect([...world.stored().keys()].sort()).toEqual(['@ada', '@bob'])
  expect(names(watcher)).toEqual(['@ada', '@bob'])
})

test('G113 a removal that did not reach Redis is said again, also of a space that nobody watches any more', async () => {
  const world = await calm(1)
  const ada = world.come(0, '@ada')
  await world.time.pass(1000)
  world.go(ada)
  world.node(0).close(SPACE)
  // The write is on its way when the connection breaks.
  await world.time.pass(settings.roster.graceMs + 11)
  world.node(0).cut()
  expect(world.redis.entries(SPACE).size).toBe(1)
  world.node(0).connect()
  await world.time.pass(1000)
  expect(world.redis.entries(SPACE).size).toBe(0)
  expect(world.redis.isAlive('g0_1000000-1')).toBe(true)
})

test('G117 somebody whom a promoted replica remembers, through a gateway that lives and looks elsewhere, is removed', async () => {
  const world = await calm(1)
  const ada = world.come(0, '@ada', '@quiet')
  await world.time.pass(1000)
  const old = world.redis.clone()
  world.go(ada)
  world.node(0).close('@quiet')
  await world.time.pass(5000)
  expect(world.redis.hashes.size).toBe(0)
  world.node(0).cut()
  for (const [space, hash] of old.hashes) world.redis.hashes.set(space, hash)
  for (const [boot, spaces] of old.spaces) world.redis.spaces.set(boot, spaces)
  world.node(0).connect()
  await world.time.pass(1000)
  expect(world.redis.isAlive('g0_1000000-1')).toBe(true)
  expect([world.redis.hashes.size, world.redis.spaces.size]).toEqual([0, 0])
})

test('G120 that Redis is not reached is said when it turns so, once a minute while it stays so, and when it is well', async () => {
  const said: string[] = []
  const log: Log = {
    ...quietLog,
    warn: (_fields, message) => said.push(`warn: ${message}`),
    info: (_fields, message) => said.push(`info: ${message}`),
  }
  const world = await calm(1)
  const node = new Node('g9', world.redis, settings, log)
  const [bad, good] = [
    'warn: presence does not reach Redis: who is here is frozen',
    'info: presence reaches Redis again',
  ]
  const take = (): string[] => said.splice(0)
  await world.time.pass(6_000)
  expect(take()).toEqual([])
  node.cut()
  await world.time.pass(5_500)
  expect(take()).toEqual([bad])
  await world.time.pass(120_000)
  expect(take()).toEqual([bad, bad])
  node.connect()
  await world.time.pass(1_000)
  expect(take()).toEqual([])
  // Well for a moment and not well again is the same trouble.
  node.cut()
  await world.time.pass(5_500)
  expect(take()).toEqual([])
  node.connect()
  await world.time.pass(2_000)
  expect(take()).toEqual([good])
  node.cut()
  await world.time.pass(5_500)
  expect(take()).toEqual([bad])
})
