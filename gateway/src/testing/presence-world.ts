/**
 * For tests: a few gateways' presence over a Redis of their own, in virtual time. The gateways are real (PresenceHub);
 * Redis, the bus and the clients are models. Connections may be cut, processes killed or stopped, Redis emptied.
 */
import { ManualClock } from '@rhizom/machine/testing'
import { type PresenceFrame, RosterAccount, type RosterReading } from '@rhizom/kit/roster-account.ts'
import { parsePresenceField, parseServerMessage, parseSpaceMessage, type PresenceEntry } from '@rhizom/protocol'
import type { RosterAnswer } from '../core/presence/roster.ts'
import type { Log } from '../ports.ts'
import { PresenceHub } from '../presence/hub.ts'
import type { PresenceHandle, PresenceSettings, RosterHandle } from '../presence/port.ts'
import { createPresenceMetrics } from '../presence/metrics.ts'
import { ModelRedis, ModelStore, type Subscriber } from './model-store.ts'
import { ProcessGate } from './process-gate.ts'

export const SPACE = '@lobby'
export const settings: PresenceSettings = {
  roster: { graceMs: 3000, windowMs: 100, listLimit: 200 },
  lease: { leaseMs: 15_000, retryMs: 500 },
}

/** What a message takes from Redis to a gateway. */
const ARRIVES_AFTER_MS = 2

export const quietLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** What one client sees of one space: the answer it got and the frames after it. */
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

export class Node implements Subscriber {
  readonly name: string
  readonly gate: ProcessGate
  readonly hub: PresenceHub
  /** The clients of each space that is watched here. */
  readonly screens = new Map<string, Screen[]>()
  readonly rosters = new Map<string, RosterHandle>()
  readonly lastSeen = new Map<string, number>()
  readonly #redis: ModelRedis
  readonly #store: ModelStore
  readonly #listLimit: number
  #isListening = false

  constructor(name: string, redis: ModelRedis, settings: PresenceSettings, log: Log = quietLog) {
    this.name = name
    this.#redis = redis
    this.#listLimit = settings.roster.listLimit
    this.gate = new ProcessGate(redis.time)
    this.#store = new ModelStore(redis, this.gate)
    let boots = 0
    this.hub = new PresenceHub({
      clock: this.gate,
      random: () => 0.5,
      store: this.#store,
      lastSeen: {
        note: (being, at) => this.lastSeen.set(being, Math.max(at, this.lastSeen.get(being) ?? 0)),
        flush: () => Promise.resolve(),
        stop: () => {},
      },
      newBootId: () => `${name}-${++boots}`,
      metrics: createPresenceMetrics(),
      log,
      faulted: (error) => {
        throw error
      },
      settings,
    })
    redis.subscribers.add(this)
    this.connect()
  }

  connect(): void {
    this.#redis.time.after(3, () => {
      if (this.gate.isDead || this.#isListening) return
      this.#store.connect()
      this.#isListening = true
      this.gate.enter(() => {
        for (const space of this.screens.keys()) this.hub.channelJoined(space)
        this.hub.busRecovered()
      })
    })
  }

  cut(): void {
    if (!this.#isListening) return
    this.#isListening = false
    this.#store.cut()
    this.gate.enter(() => this.hub.busLost())
  }

  kill(): void {
    this.gate.kill()
    this.#isListening = false
    this.#store.cut()
    this.#redis.subscribers.delete(this)
  }

  arrive(deliver: () => void): void {
    if (!this.#isListening) return
    this.#redis.time.after(ARRIVES_AFTER_MS, () => {
      if (this.#isListening) this.gate.enter(deliver)
    })
  }

  hearHint(space: string, bytes: Uint8Array): void {
    const message = parseSpaceMessage(bytes)
    if (!message.ok || message.value.kind !== 'presence') throw new Error('not a presence message')
    this.rosters.get(space)?.hintReceived(message.value)
  }

  hearHeartbeat(message: Uint8Array): void {
    this.hub.gatewayBeatReceived(message)
  }

  /** A client subscribes, as somebody who is here or only to watch. */
  subscribe(
    space: string,
    presence?: { connection: number; being: string },
  ): { screen: Screen; handle?: PresenceHandle } {
    const screens = this.screens.get(space) ?? this.open(space)
    const handle = presence && this.hub.join(space, presence.being, presence.connection)
    const answer = this.rosters.get(space)?.answerPart(presence === undefined ? [] : [presence.being])
    if (answer === undefined) throw new Error(`${space} is not followed`)
    const screen = new Screen(this.#listLimit, answer)
    screens.push(screen)
    return handle === undefined ? { screen } : { screen, handle }
  }

  close(space: string): void {
    this.rosters.get(space)?.unwatch()
    this.rosters.delete(space)
    this.screens.delete(space)
  }

  /** A feed opens. */
  open(space: string): Screen[] {
    const screens: Screen[] = []
    this.screens.set(space, screens)
    const roster = this.hub.watch(space, (frame) => {
      for (const screen of screens) screen.hear(Buffer.from(frame).toString('utf8'))
    })
    this.rosters.set(space, roster)
    if (this.#isListening) this.#redis.time.after(1, () => this.gate.enter(() => this.#joined(space)))
    return screens
  }

  #joined(space: string): void {
    if (this.#isListening && this.screens.has(space)) this.hub.channelJoined(space)
  }
}

interface Seat {
  node: Node
  space: string
  being: string
  screen: Screen
  handle: PresenceHandle | undefined
}

/** Gateways, and who is connected to them. */
export class World {
  readonly time = new ManualClock(1_000_000)
  readonly redis: ModelRedis
  readonly nodes: Node[] = []
  readonly settings: PresenceSettings
  /** Who is connected, and so who should be here in the end. */
  readonly connections = new Map<number, Seat>()
  #lastConnection = 0

  constructor(gateways: number, ofPresence = settings) {
    this.redis = new ModelRedis(this.time)
    this.settings = ofPresence
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

/** A world in which all have found Redis. */
export async function calm(gateways: number, ofPresence = settings): Promise<World> {
  const world = new World(gateways, ofPresence)
  await world.time.pass(50)
  return world
}

/** Somebody who only looks, on a feed that has settled. */
export async function watch(world: World, index: number): Promise<Screen> {
  world.node(index).open(SPACE)
  await world.time.pass(50)
  return world.node(index).subscribe(SPACE).screen
}
