/**
 * What presence costs, what it gives the api and the log, and what the simulation does not find: several gateways over
 * one Redis (hub-world.ts). That everybody sees the same, whatever is lost and whoever dies, is for the seeds.
 */
import { expect, test } from 'vitest'
import type { Log } from '../../gateway/src/ports.ts'
import { calm, Node, quietLog, type Screen, settings, SPACE, watch, type World } from './hub-world.ts'

test('G124 whoever was answered is here for the others, though its gateway stalls with the answer', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  const crowd = Array.from({ length: 8 }, (_, index) => `@b${index}`)
  const before = crowd.map((being) => world.come(1, being))
  await world.pass(1000)
  for (const connection of before) world.go(connection)
  await world.pass(500)
  for (const being of crowd) world.come(0, being)
  world.node(0).gate.freeze()
  await world.pass(settings.roster.graceMs + 5000)
  expect(watcher.roster.names).toEqual(crowd)
  world.node(0).gate.thaw()
  await world.pass(5000)
  expect(watcher.roster.names).toEqual(crowd)
  expect(watcher.frames.flatMap(({ left }) => left)).toEqual([])
})

test('G124 in a storm of those who come, what is written is gathered', async () => {
  const world = await calm(2)
  await watch(world, 0)
  const crowd = Array.from({ length: 500 }, (_, index) => `@b${index}`)
  world.commands.clear()
  for (const being of crowd) world.come(0, being)
  await world.pass(1000)
  expect(world.stored().size).toBe(crowd.length)
  const writes = world.commands.get('write') ?? 0
  expect(writes).toBeGreaterThan(1)
  expect(writes).toBeLessThanOrEqual(10)
})

test('G63 a being that was removed leaves all spaces at once, also within its grace, and nobody else does', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  world.come(0, '@ada')
  world.come(1, '@ada')
  world.come(0, '@ada', '@other')
  const bob = world.come(0, '@bob')
  world.come(0, '@cyd')
  await world.pass(1000)
  world.go(bob)
  expect(watcher.roster.names).toEqual(['@ada', '@bob', '@cyd'])
  for (const { gate, hub } of world.nodes) gate.enter(() => hub.removeBeings(new Set(['@ada', '@bob'])))
  await world.pass(500)
  expect(watcher.roster.names).toEqual(['@cyd'])
  expect([...world.stored().keys(), ...world.stored('@other').keys()]).toEqual(['@cyd'])
})

test('G105 an idle gateway sends a heartbeat a third of the lease, whatever is connected', async () => {
  const costOf = async (beings: number, spaces: number): Promise<Map<string, number>> => {
    const world = await calm(2)
    for (let index = 0; index < beings; index++)
      world.come(Math.floor(index / spaces) % 2, `@b${index}`, `@s${index % spaces}`)
    await world.pass(60_000)
    world.commands.clear()
    await world.pass(150_000)
    return new Map(world.commands)
  }
  const few = await costOf(2, 1)
  expect(few.get('heartbeat')).toBe(60)
  expect(few.get('pttl')).toBe(60)
  expect([...few.keys()].sort()).toEqual(['heartbeat', 'hlen', 'pexpire', 'pttl'])
  expect(await costOf(200, 20)).toEqual(few)
})

test('G106 past the limit a list is a sample and frames for n joins grow with n', async () => {
  const listLimit = 10
  const bytesFor = async (beings: number): Promise<{ bytes: number; watcher: Screen; world: World }> => {
    const world = await calm(2, { ...settings, roster: { ...settings.roster, listLimit } })
    const watcher = await watch(world, 1)
    for (let index = 0; index < beings; index++) {
      world.come(index % 2, `@b${index}`)
      await world.pass(20)
    }
    await world.pass(6000)
    return { bytes: JSON.stringify(watcher.frames).length, watcher, world }
  }
  const small = await bytesFor(100)
  const large = await bytesFor(400)
  expect(large.bytes).toBeLessThan(small.bytes * 5)
  // The window is as much longer as there are more: four times as many take few frames more.
  expect(large.watcher.frames.length).toBeLessThan(small.watcher.frames.length * 2)
  const { watcher, world } = large
  expect(watcher.roster.count).toBe(400)
  expect(watcher.roster.list.size).toBe(listLimit)
  const newcomer = world.connections.get(world.come(1, '@late'))?.screen
  expect(newcomer?.roster.list.size).toBe(listLimit)
  await world.pass(6000)
  expect(newcomer?.roster.count).toBe(401)
  // Back below the limit everybody is listed again, on every screen.
  for (const [id, { being }] of world.connections) if (!/^@b39\d$/.test(being)) world.go(id)
  await world.pass(15_000)
  for (const { screen } of world.connections.values()) {
    expect(screen.roster.names).toEqual(world.expected())
    expect(screen.roster.count).toBe(10)
  }
})

test('G117 a gateway dies in spaces that nobody watches: within the lease nothing of it is left, and all are last seen', async () => {
  const world = await calm(2)
  for (let index = 0; index < 50; index++) {
    world.come(0, `@b${index}`, `@s${index}`)
    world.node(0).close(`@s${index}`)
  }
  world.come(1, '@b0', '@s0')
  await world.pass(7000)
  const heartbeatAt = world.redis.data.heartbeats.get('g0-1') ?? 0
  world.node(0).kill()
  await world.pass(settings.lease.leaseMs)
  expect([...world.redis.data.hashes.keys()]).toEqual(['@s0'])
  expect([...world.redis.data.entries('@s0').keys()]).toEqual(['g1-1/@b0'])
  expect([...world.redis.data.heartbeats.keys()]).toEqual(['g1-1'])
  expect([...world.redis.data.spaces.keys()]).toEqual(['g1-1'])
  expect([...world.node(1).lastSeen.values()]).toEqual(Array.from({ length: 50 }, () => heartbeatAt))
})

test('G117 what could not be cleared up is tried again', async () => {
  const world = await calm(2)
  world.come(0, '@ada', '@quiet')
  await world.pass(1000)
  world.node(0).kill()
  // A gateway that starts has asked it as well.
  world.commands.clear()
  while (!world.commands.has('spacesOf')) await world.pass(1)
  world.node(1).cut()
  await world.pass(100)
  expect(world.redis.data.entries('@quiet').size).toBe(1)
  world.node(1).connect()
  await world.pass(settings.lease.leaseMs)
  expect([...world.redis.data.hashes.keys()]).toEqual([])
  expect([...world.redis.data.heartbeats.keys()]).toEqual(['g1-1'])
})

test('G115 a gateway that stops takes its lease and whoever is left with it', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  const ada = world.come(0, '@ada')
  world.come(0, '@bob')
  await world.pass(1000)
  world.go(ada)
  const emptied = world.node(0).hub.whenEmpty()
  let isEmpty = false
  void emptied.then(() => (isEmpty = true))
  await world.pass(5000)
  expect(isEmpty).toBe(false)
  void world.node(0).hub.stop()
  await world.pass(300)
  expect(watcher.roster.names).toEqual([])
  expect(world.redis.data.entries(SPACE).size).toBe(0)
  expect([...world.redis.data.leases.keys()]).toEqual(['g1-1'])
  expect([...world.node(0).lastSeen.keys()].sort()).toEqual(['@ada', '@bob'])
})

test('G114 a hash that vanished from Redis is noticed and written again', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  for (const [index, being] of ['@ada', '@bob'].entries()) world.come(index, being)
  await world.pass(1000)
  world.redis.data.hashes.clear()
  await world.pass(settings.lease.leaseMs * 2)
  expect([...world.stored().keys()].sort()).toEqual(['@ada', '@bob'])
  expect(watcher.roster.names).toEqual(['@ada', '@bob'])
})

test('G120 that Redis is not reached is said when it turns so, once a minute while it stays so, and when it is well', async () => {
  const said: string[] = []
  const log: Log = {
    ...quietLog,
    warn: (_fields, message) => said.push(`warn: ${message}`),
    info: (_fields, message) => said.push(`info: ${message}`),
  }
  const world = await calm(1)
  const node = new Node('g9', world, log)
  const [bad, good] = [
    'warn: presence does not reach Redis: who is here is frozen',
    'info: presence reaches Redis again',
  ]
  const take = (): string[] => said.splice(0)
  // A start may find the bus before Redis can be asked.
  await world.pass(6_000)
  take()
  await world.pass(6_000)
  expect(take()).toEqual([])
  node.cut()
  await world.pass(5_500)
  expect(take()).toEqual([bad])
  await world.pass(120_000)
  expect(take()).toEqual([bad, bad])
  node.connect()
  await world.pass(1_000)
  expect(take()).toEqual([])
  // Well for a moment and not well again is the same trouble.
  node.cut()
  await world.pass(5_500)
  expect(take()).toEqual([])
  node.connect()
  await world.pass(2_000)
  expect(take()).toEqual([good])
  node.cut()
  await world.pass(5_500)
  expect(take()).toEqual([bad])
})
