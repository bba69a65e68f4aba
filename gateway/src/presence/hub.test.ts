/**
 * Several gateways' presence over one model of Redis, in virtual time (testing/presence-world.ts): who is here, and
 * what it costs.
 */
import { expect, test } from 'vitest'
import { calm, frames, names, settings, SPACE, watch, World, type Screen } from '../testing/presence-world.ts'

test('G100 a being is here once, however many tabs and gateways; since the earliest', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  const came = world.time.nowMs()
  const tabs = [world.come(0, '@ada'), world.come(0, '@ada')]
  await world.time.pass(1000)
  tabs.push(world.come(1, '@ada'))
  await world.time.pass(1000)
  expect(watcher.frames).toEqual([
    { joined: [{ being: '@ada', state: {}, since: came }], left: [], updated: [], hereCount: 1, frozen: false },
  ])
  expect(world.stored().get('@ada')?.length).toBe(2)
  for (const tab of tabs.slice(0, 2)) world.go(tab)
  await world.time.pass(10_000)
  expect(frames(watcher)).toBe(1)
  expect(world.stored().get('@ada')).toMatchObject([['g1_1000000-1', { since: came }]])
  world.go(tabs[2] ?? 0)
  await world.time.pass(settings.roster.graceMs - 100)
  expect(frames(watcher)).toBe(1)
  await world.time.pass(400)
  expect(watcher.frames[1]).toEqual({ joined: [], left: ['@ada'], updated: [], hereCount: 0, frozen: false })
  expect(world.stored().size).toBe(0)
})

test('G101 a reload, and a move to another gateway, within the grace shows nothing at all', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  const first = world.come(0, '@ada')
  await world.time.pass(2000)
  const [before] = [...watcher.here.values()]
  world.go(first)
  await world.time.pass(2900)
  const second = world.come(0, '@ada')
  await world.time.pass(10_000)
  world.go(second)
  await world.time.pass(2900)
  world.come(1, '@ada')
  await world.time.pass(10_000)
  expect(frames(watcher)).toBe(1)
  expect([...watcher.here.values()]).toEqual([before])
})

test('G124 whoever was answered is here for the others, though its gateway stalls with the answer', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  const crowd = Array.from({ length: 8 }, (_, index) => `@b${index}`)
  const before = crowd.map((being) => world.come(1, being))
  await world.time.pass(1000)
  for (const connection of before) world.go(connection)
  await world.time.pass(500)
  for (const being of crowd) world.come(0, being)
  world.node(0).gate.stop()
  await world.time.pass(settings.roster.graceMs + 5000)
  expect(names(watcher)).toEqual(crowd)
  world.node(0).gate.go()
  await world.time.pass(5000)
  expect(names(watcher)).toEqual(crowd)
  expect(watcher.frames.flatMap(({ left }) => left)).toEqual([])
})

test('G124 in a storm of those who come, what is written is gathered', async () => {
  const world = await calm(2)
  await watch(world, 0)
  const crowd = Array.from({ length: 500 }, (_, index) => `@b${index}`)
  world.redis.commands.clear()
  for (const being of crowd) world.come(0, being)
  await world.time.pass(1000)
  expect(world.stored().size).toBe(crowd.length)
  const writes = world.redis.commands.get('write') ?? 0
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
  await world.time.pass(1000)
  world.go(bob)
  expect(names(watcher)).toEqual(['@ada', '@bob', '@cyd'])
  for (const { gate, hub } of world.nodes) gate.enter(() => hub.removeBeings(new Set(['@ada', '@bob'])))
  await world.time.pass(500)
  expect(names(watcher)).toEqual(['@cyd'])
  expect([...world.stored().keys(), ...world.stored('@other').keys()]).toEqual(['@cyd'])
})

test('G102 what happens within the window is one frame, and what was undone is none', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  await world.time.pass(50)
  const eve = world.come(0, '@eve')
  for (const being of ['@ada', '@bob', '@cyd']) world.come(0, being)
  world.connections.get(eve)?.handle?.remove()
  world.connections.delete(eve)
  await world.time.pass(1000)
  expect(watcher.frames).toHaveLength(1)
  expect(watcher.frames[0]).toMatchObject({ left: [], updated: [], hereCount: 3 })
  expect(names(watcher)).toEqual(['@ada', '@bob', '@cyd'])
})

test('G103 a new state is an update; the latest set counts, on whatever gateway', async () => {
  const world = await calm(2)
  const watcher = await watch(world, 1)
  const [one, two] = [world.come(0, '@ada'), world.come(1, '@ada')]
  await world.time.pass(500)
  world.state(two, { away: true })
  await world.time.pass(500)
  world.state(one, { away: false })
  await world.time.pass(500)
  const since = watcher.frames[0]?.joined[0]?.since
  expect(watcher.frames.slice(1)).toEqual(
    [true, false].map((away) => ({
      joined: [],
      left: [],
      updated: [{ being: '@ada', state: { away }, since }],
      hereCount: 1,
      frozen: false,
    })),
  )
  world.go(one)
  await world.time.pass(5000)
  expect(watcher.here.get('@ada')?.state).toEqual({ away: true })
})

test('G104 a newcomer is told everybody and itself in the answer', async () => {
  const world = await calm(2)
  world.come(0, '@ada')
  await world.time.pass(1000)
  world.node(1).subscribe(SPACE)
  await world.time.pass(50)
  const connection = world.come(1, '@bob')
  const screen = world.connections.get(connection)?.screen
  expect(screen && names(screen)).toEqual(['@ada', '@bob'])
  expect(screen?.hereCount).toBe(2)
  expect(screen?.frozen).toBe(false)
})

test('G108 when a being has left through a gateway, it was last seen there when its last connection went', async () => {
  const world = await calm(2)
  const tabs = [world.come(0, '@ada'), world.come(0, '@ada'), world.come(1, '@ada')]
  await world.time.pass(1000)
  world.go(tabs[0] ?? 0)
  await world.time.pass(10_000)
  expect(world.nodes.map(({ lastSeen }) => lastSeen.size)).toEqual([0, 0])
  const left = world.time.dateMs()
  world.go(tabs[1] ?? 0)
  await world.time.pass(10_000)
  expect(world.nodes.map(({ lastSeen }) => [...lastSeen])).toEqual([[['@ada', left]], []])
  world.go(tabs[2] ?? 0)
  await world.time.pass(10_000)
  expect([...world.node(1).lastSeen]).toEqual([['@ada', left + 10_000]])
})

test('G105 an idle gateway sends a heartbeat a third of the lease, whatever is connected', async () => {
  const costOf = async (beings: number, spaces: number): Promise<Map<string, number>> => {
    const world = await calm(2)
    for (let index = 0; index < beings; index++)
      world.come(Math.floor(index / spaces) % 2, `@b${index}`, `@s${index % spaces}`)
    await world.time.pass(60_000)
    world.redis.commands.clear()
    await world.time.pass(150_000)
    return new Map(world.redis.commands)
  }
  const few = await costOf(2, 1)
  expect(few.get('heartbeat')).toBe(60)
  expect(few.get('pttl')).toBe(60)
  expect([...few.keys()].sort()).toEqual(['heartbeat', 'hlen', 'pttl'])
  expect(await costOf(200, 20)).toEqual(few)
})

test('G106 past the limit a list is a sample and frames for n joins grow with n', async () => {
  const listLimit = 10
  const bytesFor = async (beings: number): Promise<{ bytes: number; watcher: Screen; world: World }> => {
    const world = await calm(2, { ...settings, roster: { ...settings.roster, listLimit } })
    const watcher = await watch(world, 1)
    for (let index = 0; index < beings; index++) {
      world.come(index % 2, `@b${index}`)
      await world.time.pass(20)
    }
    await world.time.pass(6000)
    return { bytes: JSON.stringify(watcher.frames).length, watcher, world }
  }
  const small = await bytesFor(100)
  const large = await bytesFor(400)
  expect(large.bytes).toBeLessThan(small.bytes * 5)
  const { watcher, world } = large
  expect(watcher.hereCount).toBe(400)
  expect(watcher.here.size).toBe(listLimit)
  const newcomer = world.connections.get(world.come(1, '@late'))?.screen
  expect(newcomer?.here.size).toBe(listLimit)
  await world.time.pass(6000)
  expect(newcomer?.hereCount).toBe(401)
  // Back below the limit everybody is listed again, on every screen.
  for (const [id, { being }] of world.connections) if (!/^@b39\d$/.test(being)) world.go(id)
  await world.time.pass(15_000)
  for (const screen of world.screens()) {
    expect(names(screen)).toEqual(world.expected())
    expect(screen.hereCount).toBe(10)
  }
})
