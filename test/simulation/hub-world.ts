/**
 * A few gateways' presence alone, over the simulation's Redis in fair weather: for tests of what a hub costs, gives the
 * api and says. Gateways may be stopped or killed and their way to Redis cut; what clients are told must follow from
 * what they were told before. Who sees what when more goes wrong is for the simulation itself.
 */
import { type PresenceFrame, RosterAccount, type RosterReading } from '@rhizom/kit/roster-account.ts'
import { parsePresenceField, parseServerMessage, parseSpaceMessage, type PresenceEntry } from '@rhizom/protocol'
import type { RosterAnswer } from '../../gateway/src/core/presence/roster.ts'
import type { HeartbeatAnswer, HeartbeatRequest, Log } from '../../gateway/src/ports.ts'
import type { PresenceDeps } from '../../gateway/src/presence/heartbeat.ts'
import { PresenceHub } from '../../gateway/src/presence/hub.ts'
import { createPresenceMetrics } from '../../gateway/src/presence/metrics.ts'
import type { RosterHandle } from '../../gateway/src/presence/space-presence.ts'
import { Chance } from './chance.ts'
import { Gate } from './gate.ts'
import { CALM } from './plan.ts'
import { RedisModel } from './redis-model.ts'
import { SimulatedBus } from './simulated-bus.ts'
import { SimulatedStore } from './simulated-store.ts'
import { VirtualTime } from './virtual-time.ts'

export const SPACE = '@lobby'
export const settings: PresenceDeps['settings'] = {
  roster: { graceMs: 3000, windowMs: 100, listLimit: 200 },
  lease: { leaseMs: 15_000, retryMs: 500 },
}

/** All are connected after this. */
const CONNECTED_AFTER_MS = 1_000
const FOR_EVER_MS = 10 ** 9

const nothing = (): void => undefined
export const quietLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** What one client is told of one space: the answer it got and the frames after it. */
export class Screen {
  readonly roster: RosterAccount
  readonly frames: PresenceFrame[] = []

  constructor(listLimit: number, answer: RosterAnswer) {
    this.roster = new RosterAccount(listLimit)
    follows(this.roster.answered(answer))
    if (answer.frozen) this.roster.status = 'frozen'
  }

  hear(text: string): void {
    for (const line of parseServerMessage(text)) {
      if (!line.ok || line.value.type !== 'presence') throw new Error(`not a presence frame: ${text}`)
      this.frames.push(line.value)
      follows(this.roster.changed(line.value))
    }
  }
}

function follows({ wrong, strangers }: RosterReading): void {
  if (wrong.length + strangers.length > 0)
    throw new Error(`what was told does not follow: ${[...wrong, ...strangers].join(', ')}`)
}

/** Counts commands as Redis would. */
class CountedStore extends SimulatedStore {
  readonly commands: Map<string, number>

  constructor(redis: RedisModel, gate: Gate, chance: Chance, commands: Map<string, number>) {
    super({ redis, gate, chance, breaks: () => 0, leaves: nothing })
    this.commands = commands
  }

  override heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer> {
    this.#count('heartbeat')
    this.#count('pttl', request.peers.length)
    if (request.announce !== undefined) this.#count('publish')
    if (request.countOf !== undefined) this.#count('hlen')
    if (request.extendTtlOf.length > 0) this.#count('pexpire', request.extendTtlOf.length)
    return super.heartbeat(request)
  }

  override write(writes: Parameters<SimulatedStore['write']>[0]): Promise<void> {
    this.#count('write', writes.length)
    return super.write(writes)
  }

  override read(...asked: Parameters<SimulatedStore['read']>): ReturnType<SimulatedStore['read']> {
    this.#count('read')
    return super.read(...asked)
  }

  override spacesOf(...asked: Parameters<SimulatedStore['spacesOf']>): ReturnType<SimulatedStore['spacesOf']> {
    this.#count('spacesOf')
    return super.spacesOf(...asked)
  }

  #count(command: string, times = 1): void {
    this.commands.set(command, (this.commands.get(command) ?? 0) + times)
  }
}

export class Node {
  readonly gate: Gate
  readonly hub: PresenceHub
  readonly lastSeen = new Map<string, number>()
  readonly #rosters = new Map<string, { roster: RosterHandle; screens: Screen[] }>()
  readonly #bus: SimulatedBus
  readonly #store: CountedStore
  readonly #listLimit: number

  constructor(name: string, world: World, log: Log = quietLog) {
    const { time, redis, settings: ofPresence, commands } = world
    this.#listLimit = ofPresence.roster.listLimit
    this.gate = new Gate(time, { settles: true })
    this.#bus = new SimulatedBus(redis, this.gate, nothing)
    this.#store = new CountedStore(redis, this.gate, new Chance(1, name), commands)
    let boots = 0
    const hub = new PresenceHub({
      clock: { nowMs: time.now, dateMs: time.now, after: this.gate.after },
      random: () => 0.5,
      store: this.#store,
      lastSeen: {
        note: (being, at) => this.lastSeen.set(being, Math.max(at, this.lastSeen.get(being) ?? 0)),
        flush: () => Promise.resolve(),
        stop: nothing,
      },
      newBootId: () => `${name}-${++boots}`,
      metrics: createPresenceMetrics(),
      log,
      faulted: (error) => {
        throw error
      },
      settings: ofPresence,
    })
    this.hub = hub
    this.#bus.start({
      joined: (space) => hub.channelJoined(space),
      message: (space, bytes) => this.#hear(space, bytes),
      gatewayBeat: (message) => hub.gatewayBeatReceived(message),
      lost: () => hub.busLost(),
      recovered: () => hub.busRecovered(),
      heads: nothing,
      revoked: nothing,
      work: nothing,
      news: nothing,
      deaf: nothing,
    })
  }

  /** The way of its presence to Redis. */
  cut(): void {
    this.#store.suffer('cut', FOR_EVER_MS)
  }

  connect(): void {
    this.#store.heal()
  }

  kill(): void {
    this.gate.kill()
    this.#store.stop()
    void this.#bus.stop()
  }

  /** A client subscribes, as somebody who is here or only to watch. */
  subscribe(space: string, presence?: { connection: number; being: string }): Seat {
    const { roster, screens } = this.#rosters.get(space) ?? this.open(space)
    const handle = presence && this.hub.join(space, presence.being, presence.connection)
    const screen = new Screen(this.#listLimit, roster.answerPart(presence === undefined ? [] : [presence.being]))
    screens.push(screen)
    const leave = (): void => {
      if (screens.includes(screen)) screens.splice(screens.indexOf(screen), 1)
      this.gate.enter(() => handle?.leave())
    }
    return { node: this, space, being: presence?.being ?? '', screen, leave }
  }

  close(space: string): void {
    this.#rosters.get(space)?.roster.unwatch()
    this.#rosters.delete(space)
    this.#bus.leave(space)
  }

  /** A feed opens. */
  open(space: string): { roster: RosterHandle; screens: Screen[] } {
    const screens: Screen[] = []
    const roster = this.hub.watch(space, (frame) => {
      for (const screen of screens) screen.hear(Buffer.from(frame).toString('utf8'))
    })
    const opened = { roster, screens }
    this.#rosters.set(space, opened)
    this.#bus.join(space)
    return opened
  }

  #hear(space: string, bytes: Uint8Array): void {
    const message = parseSpaceMessage(bytes)
    if (!message.ok || message.value.kind !== 'presence') throw new Error('not a presence message')
    this.#rosters.get(space)?.roster.hintReceived(message.value)
  }
}

interface Seat {
  node: Node
  space: string
  being: string
  screen: Screen
  /** Its socket closes. */
  leave(): void
}

/** Gateways, and who is connected to them. */
export class World {
  readonly time = new VirtualTime()
  readonly redis: RedisModel
  readonly nodes: Node[]
  readonly settings: PresenceDeps['settings']
  /** How often Redis was asked what. */
  readonly commands = new Map<string, number>()
  /** Who is connected, and so who should be here in the end. */
  readonly connections = new Map<number, Seat>()
  #lastConnection = 0

  constructor(gateways: number, ofPresence = settings) {
    const chance = new Chance(1, 'Redis')
    const ports = { time: this.time, chance, presenceChance: chance, weather: () => CALM }
    this.redis = new RedisModel({ ...ports, note: nothing, disturbed: nothing })
    this.settings = ofPresence
    this.nodes = Array.from({ length: gateways }, (_, index) => new Node(`g${index}`, this))
  }

  async pass(ms: number): Promise<void> {
    const until = this.time.now() + ms
    while (await this.time.step(until));
  }

  node(index: number): Node {
    const node = this.nodes[index]
    if (node === undefined) throw new Error('no such node')
    return node
  }

  come(index: number, being: string, space = SPACE): number {
    const connection = ++this.#lastConnection
    this.connections.set(connection, this.node(index).subscribe(space, { connection, being }))
    return connection
  }

  go(connection: number): void {
    this.connections.get(connection)?.leave()
    this.connections.delete(connection)
  }

  expected(space = SPACE): string[] {
    const here = [...this.connections.values()].filter((one) => one.space === space).map(({ being }) => being)
    return [...new Set(here)].sort()
  }

  /** Who is here by what Redis holds. */
  stored(space = SPACE): Map<string, [string, PresenceEntry][]> {
    const stored = new Map<string, [string, PresenceEntry][]>()
    for (const [field, entry] of this.redis.data.entries(space)) {
      const name = parsePresenceField(field)
      if (name !== undefined) stored.set(name.being, [...(stored.get(name.being) ?? []), [name.bootId, entry]])
    }
    return stored
  }
}

/** A world in which all have found Redis. */
export async function calm(gateways: number, ofPresence = settings): Promise<World> {
  const world = new World(gateways, ofPresence)
  await world.pass(CONNECTED_AFTER_MS)
  return world
}

/** Somebody who only looks, on a feed that has settled. */
export async function watch(world: World, index: number): Promise<Screen> {
  world.node(index).open(SPACE)
  await world.pass(CONNECTED_AFTER_MS)
  return world.node(index).subscribe(SPACE).screen
}
