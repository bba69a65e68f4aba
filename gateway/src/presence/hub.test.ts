/** Several gateways' presence over one model of Redis, in virtual time (testing/presence-world.ts). */
import { mulberry32 } from '@rhizom/kit/chance.ts'
import { mergePresence, parsePresenceField, type PresenceEntry } from '@rhizom/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '@rhizom/machine/testing'
import { fairWeather, ModelRedis, type Weather } from '../testing/model-store.ts'
import type { Log } from '../ports.ts'
import { Node, quietLog, type Screen } from '../testing/presence-world.ts'
import type { PresenceSettings } from './hub.ts'
import type { PresenceHandle } from './port.ts'

const SPACE = '@lobby'
const settings: PresenceSettings = {
  roster: { graceMs: 3000, windowMs: 100, listLimit: 200 },
  lease: { leaseMs: 15_000, retryMs: 500 },
}

interface Seat {
  node: Node
  space: string
  being: string
  screen: Screen
  handle: PresenceHandle | undefined
}

class World {
  readonly time = new ManualClock(1_000_000)
  readonly redis: ModelRedis
  readonly nodes: Node[] = []
  readonly settings: PresenceSettings
  /** Who is connected, and so who should be here in the end. */
  readonly connections = new Map<number, Seat>()
  #lastConnection = 0

  constructor(gateways: number, options: { weather?: Weather; settings?: PresenceSettings } = {}) {
    this.redis = new ModelRedis(this.time, options.weather ?? fairWeather)
    this.settings = options.settings ?? settings
    for (let index = 0; index < gateways; index++) this.start(index)
  }

  start(index: number): Node {
    const node = new Node(`g${index}_${this.redis.time.nowMs()}`, this.redis, this.settings)
    this.nodes[index] = node
    return node
  }

  node(index: number): Node {
    const node = this.nodes[index]
    if (node === undefined) throw new Error('no such node')
    return node
  }

  come(index: number, being: string, space = SPACE): number {
    const connection = ++this.#lastConnection
    const node = this.node(index)
    const { screen, handle } = node.subscribe(space, { connection, being })
    this.connections.set(connection, { node, space, being, screen, handle })
    return connection
  }

  /** The socket of a connection closes. */
  go(connection: number): void {
    const gone = this.connections.get(connection)
    this.connections.delete(connection)
    if (gone === undefined) return
    const screens = gone.node.screens.get(gone.space) ?? []
    if (screens.includes(gone.screen)) screens.splice(screens.indexOf(gone.screen), 1)
    gone.node.gate.enter(() => gone.handle?.leave())
  }

  state(connection: number, state: Record<string, number | boolean>): void {
    const one = this.connections.get(connection)
    one?.node.gate.enter(() => one.handle?.setState(state))
  }

  kill(index: number): void {
    const node = this.node(index)
    node.kill()
    for (const [id, one] of this.connections) if (one.node === node) this.connections.delete(id)
  }

  screens(space = SPACE): Screen[] {
    return this.nodes.filter(({ gate }) => !gate.isDead).flatMap(({ screens }) => screens.get(space) ?? [])
  }

  expected(space = SPACE): string[] {
    return [
      ...new Set([...this.connections.values()].filter((one) => one.space === space).map(({ being }) => being)),
    ].sort()
  }

  /** Who is here by what Redis holds. */
  stored(space = SPACE): Map<string, [string, PresenceEntry][]> {
    const stored = new Map<string, [string, PresenceEntry][]>()
    for (const [field, entry] of this.redis.entries(space)) {
      const name = parsePresenceField(field)
      if (name !== undefined) stored.set(name.being, [...(stored.get(name.being) ?? []), [name.bootId, entry]])
    }
    return stored
  }
}

const names = (screen: Screen): string[] => [...screen.here.keys()].sort()
const frames = (screen: Screen): number => screen.frames.length

async function calm(gateways: number, options: ConstructorParameters<typeof World>[1] = {}): Promise<World> {
  const world = new World(gateways, options)
  await world.time.pass(50)
  return world
}

/** Somebody who only looks, on a feed that has settled. */
async function watch(world: World, index: number): Promise<Screen> {
  world.node(index).open(SPACE)
  await world.time.pass(50)
  return world.node(index).subscribe(SPACE).screen
}

describe('who is here', () => {
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
})

describe('cost', () => {
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
      const world = await calm(2, { settings: { ...settings, roster: { ...settings.roster, listLimit } } })
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
})

describe('crashes', () => {
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
    const weather = { ...fairWeather }
    const world = await calm(2, { weather })
    const watcher = await watch(world, 1)
    for (const [index, being] of ['@ada', '@bob'].entries()) world.come(index, being)
    await world.time.pass(1000)
    const told = frames(watcher)
    world.redis.flush()
    world.redis.commands.clear()
    weather.lose = 1
    world.come(0, '@cyd')
    await world.time.pass(100)
    weather.lose = 0
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
    const weather = { ...fairWeather }
    const world = await calm(2, { weather })
    const watcher = await watch(world, 1)
    world.come(0, '@ada')
    await world.time.pass(1000)
    weather.lose = 1
    world.come(0, '@bob')
    await world.time.pass(500)
    expect(names(watcher)).toEqual(['@ada'])
    weather.lose = 0
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
})

describe('dates', () => {
  const STEPS = [-30_000, 3_600_000, -7_200_000]

  test('G121 a date that is set to and fro on one gateway makes nobody leave, and stops no heartbeat', async () => {
    const world = await calm(2)
    const watcher = await watch(world, 1)
    for (const being of ['@ada', '@bob']) world.come(0, being)
    await world.time.pass(1000)
    const told = frames(watcher)
    for (const step of STEPS) {
      world.node(0).gate.stepDate(step)
      world.redis.commands.clear()
      await world.time.pass(settings.lease.leaseMs * 2)
      expect(world.redis.commands.get('heartbeat')).toBe(12)
    }
    expect(frames(watcher)).toBe(told)
    expect([...world.redis.leases.keys()]).toEqual(['g0_1000000-1', 'g1_1000000-1'])
  })

  test.each(STEPS)(
    'G121 the grace, the window and a state last as long and count as much when the date is set by %d ms',
    async (step) => {
      const world = await calm(2)
      const watcher = await watch(world, 1)
      const [ada, bob] = [world.come(0, '@ada'), world.come(1, '@bob')]
      await world.time.pass(1000)
      world.state(bob, { n: 1 })
      const gone = world.node(0).gate.dateMs()
      world.go(ada)
      for (const { gate } of world.nodes) gate.stepDate(step)
      world.state(bob, { n: 2 })
      await world.time.pass(settings.roster.graceMs - 100)
      expect(names(watcher)).toEqual(['@ada', '@bob'])
      expect(watcher.here.get('@bob')?.state).toEqual({ n: 2 })
      await world.time.pass(400)
      expect(names(watcher)).toEqual(['@bob'])
      expect([...world.node(0).lastSeen]).toEqual([['@ada', gone]])
    },
  )

  test('G121 a lost hint is found by the heartbeat, and a gateway that died within its lease, whatever the date', async () => {
    const weather = { ...fairWeather }
    const world = await calm(2, { weather })
    const watcher = await watch(world, 1)
    world.come(0, '@ada')
    await world.time.pass(1000)
    weather.lose = 1
    world.come(0, '@bob')
    await world.time.pass(500)
    weather.lose = 0
    for (const { gate } of world.nodes) gate.stepDate(-3_600_000)
    await world.time.pass(settings.lease.leaseMs / 2)
    expect(names(watcher)).toEqual(['@ada', '@bob'])
    world.kill(0)
    world.node(1).gate.stepDate(-3_600_000)
    await world.time.pass(settings.lease.leaseMs)
    expect(names(watcher)).toEqual([])
  })
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

type Act =
  | { act: 'come'; node: number; being: number; space: number }
  | { act: 'go' | 'end' | 'state'; pick: number }
  | { act: 'wait'; ms: number }
  | { act: 'kill' | 'stop' | 'continue' | 'cut' | 'connect' | 'watch' | 'close'; node: number; space: number }
  | { act: 'date'; node: number; ms: number }
  | { act: 'flush' }

const BEINGS = ['@ada', '@bob', '@cyd', '@dan', '@eve']
const SPACES = ['@s0', '@s1']
const node = fc.nat(2)
const space = fc.nat(1)
const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: fc.constant('come'), node, being: fc.nat(4), space }) },
  { weight: 6, arbitrary: fc.record({ act: fc.constantFrom('go', 'go', 'end', 'state'), pick: fc.nat(50) }) },
  {
    weight: 8,
    arbitrary: fc.record({ act: fc.constant('wait'), ms: fc.constantFrom(5, 60, 200, 1500, 4000, 9000, 20_000) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constantFrom('kill', 'stop', 'continue', 'continue', 'cut', 'connect', 'connect', 'watch', 'close'),
      node,
      space,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('date'), node, ms: fc.constantFrom(-3_600_000, -30_000, 800, 60_000) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('flush') }) },
) as fc.Arbitrary<Act>

/** Does one thing that a test may do to the world. */
function perform(world: World, act: Act): Promise<void> | void {
  switch (act.act) {
    case 'come':
      if (!world.node(act.node).gate.isDead)
        world.node(act.node).gate.enter(() => void world.come(act.node, BEINGS[act.being] ?? '', SPACES[act.space]))
      return
    case 'go':
    case 'end':
    case 'state': {
      const [id, one] = [...world.connections][act.pick % Math.max(1, world.connections.size)] ?? []
      if (id === undefined || one === undefined) return
      if (act.act === 'go') return world.go(id)
      if (act.act === 'state') return world.state(id, { mood: act.pick })
      one.node.gate.enter(() => one.handle?.remove())
      return world.go(id)
    }
    case 'wait':
      return world.time.pass(act.ms)
    case 'kill':
      world.kill(act.node)
      world.start(act.node)
      return
    case 'stop':
      return world.node(act.node).gate.stop()
    case 'continue':
      return world.node(act.node).gate.go()
    case 'cut':
      return world.node(act.node).cut()
    case 'connect':
      return world.node(act.node).connect()
    case 'watch':
      world.node(act.node).gate.enter(() => void world.node(act.node).subscribe(SPACES[act.space] ?? ''))
      return
    case 'close': {
      // A feed closes when nobody follows it any more, which may be before the grace of the last one is over.
      const where = world.node(act.node)
      const id = SPACES[act.space] ?? ''
      where.gate.enter(() => {
        const isFollowed = [...world.connections.values()].some((one) => one.node === where && one.space === id)
        if (where.screens.has(id) && !isFollowed) where.close(id)
      })
      return
    }
    case 'date':
      return world.node(act.node).gate.stepDate(act.ms)
    case 'flush':
      return world.redis.flush()
    default:
      act satisfies never
  }
}

/** Ends all trouble. What was lost before must be found out: with `isCut` by reconnecting, without by the gateways alone. */
async function heal(world: World, isCut: boolean): Promise<void> {
  world.redis.weather = { ...world.redis.weather, lose: 0, loseHeartbeats: 0, double: 0, lateMs: 5 }
  for (const { gate } of world.nodes) gate.go()
  if (isCut) for (const one of world.nodes) one.cut()
  await world.time.pass(100)
  for (const one of world.nodes) one.connect()
  for (const one of world.nodes) for (const id of SPACES) one.subscribe(id)
  await world.time.pass(world.settings.lease.leaseMs * 3)
}

test('G116 after any order of joins, leaves, crashes, stops, cuts and lost messages all screens and Redis tell who is here', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(acts, { minLength: 5, maxLength: 60, size: 'max' }),
      fc.integer(),
      fc.constantFrom(2, 200),
      fc.boolean(),
      async (plan, seed, listLimit, isCut) => {
        const weather: Weather = {
          random: mulberry32(seed),
          lose: 0.15,
          loseHeartbeats: isCut ? 0.15 : 0,
          double: 0.15,
          lateMs: 300,
        }
        const world = new World(3, { weather, settings: { ...settings, roster: { ...settings.roster, listLimit } } })
        for (const act of plan) await perform(world, act)
        await heal(world, isCut)
        for (const id of SPACES) {
          const expected = world.expected(id)
          const stored = world.stored(id)
          expect([...stored.keys()].sort()).toEqual(expected)
          const connected = [...world.connections.values()].filter((one) => one.space === id)
          const places = new Set(connected.map((one) => `${one.node.name} ${one.being}`))
          expect(world.redis.entries(id).size).toBe(places.size)
          for (const screen of world.screens(id)) {
            expect(screen.hereCount).toBe(expected.length)
            expect(screen.frozen).toBe(false)
            expect(screen.here.size).toBe(Math.min(expected.length, listLimit))
            for (const { being, since, state } of screen.here.values()) {
              const merged = mergePresence(stored.get(being) ?? [])
              expect({ being, since, state }).toEqual({ being, since: merged?.since, state: merged?.state })
            }
          }
        }
        const alive = [...world.redis.leases.keys()].filter((boot) => world.redis.isAlive(boot)).sort()
        expect(alive).toHaveLength(3)
        expect([...world.redis.heartbeats.keys()].sort()).toEqual(alive)
        const spacesOf = [...world.redis.spaces].flatMap(([boot, spaces]) => [...spaces].map((id) => `${boot} ${id}`))
        const places = SPACES.flatMap((id) =>
          [...world.redis.entries(id).keys()].map((field) => `${field.split('/')[0]} ${id}`),
        )
        expect(spacesOf.sort()).toEqual([...new Set(places)].sort())
      },
    ),
    { numRuns: 150 },
  )
})
