/**
 * For tests: a few gateways' presence over a Redis of their own, in virtual time. The gateways are real (PresenceHub);
 * Redis, the bus and the clients are models. Messages may be lost, doubled and late, connections cut, processes killed
 * or stopped, Redis emptied. What should be so in the end is kept beside it, from the connections alone.
 */
import {
  type BootId,
  encodeGatewayBeat,
  encodePresenceMessage,
  type Here,
  parsePresenceField,
  parseServerMessage,
  parseSpaceMessage,
  presenceEntrySchema,
  presenceField,
  type PresenceEntry,
} from '@rhizom/protocol'
import type { Orphans, PresenceRead } from '../core/remote-presence.ts'
import type { PresenceWrite } from '../core/roster.ts'
import type { BeatAnswer, BeatRequest, Cancel, Clock, LastWords, Log, PresenceStore } from '../ports.ts'
import { PresenceHub, type PresenceSettings } from '../presence/presence-hub.ts'
import { createPresenceMetrics } from '../presence/presence-metrics.ts'

export const quietLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Runs what is due in order, and lets promises settle in between. */
export class VirtualTime implements Clock {
  #now = 1_000_000
  #lastId = 0
  readonly #timers = new Map<number, { at: number; run: () => void }>()

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): Cancel {
    const id = ++this.#lastId
    this.#timers.set(id, { at: this.#now + ms, run })
    return () => this.#timers.delete(id)
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settled()
    for (;;) {
      let next: [number, { at: number; run: () => void }] | undefined
      for (const timer of this.#timers) if (timer[1].at <= until && (!next || timer[1].at < next[1].at)) next = timer
      if (next === undefined) break
      this.#timers.delete(next[0])
      this.#now = Math.max(this.#now, next[1].at)
      next[1].run()
      await settled()
    }
    this.#now = until
  }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 6; turn++) await Promise.resolve()
}

export interface Weather {
  /** In [0, 1). */
  random(): number
  lose: number
  loseBeats: number
  double: number
  /** Up to this late. */
  lateMs: number
}

export const fairWeather: Weather = { random: () => 0.5, lose: 0, loseBeats: 0, double: 0, lateMs: 2 }

export class ModelRedis {
  readonly hashes = new Map<string, Map<string, string>>()
  readonly leases = new Map<BootId, { until: number; formerly: readonly BootId[] }>()
  readonly nodes = new Set<Node>()
  readonly commands = new Map<string, number>()
  readonly time: VirtualTime
  weather: Weather

  constructor(time: VirtualTime, weather: Weather) {
    this.time = time
    this.weather = weather
  }

  hash(space: string): Map<string, string> {
    const hash = this.hashes.get(space) ?? new Map<string, string>()
    this.hashes.set(space, hash)
    return hash
  }

  entries(space: string): Map<string, PresenceEntry> {
    return new Map(
      [...this.hash(space)].map(([field, text]) => [field, presenceEntrySchema.parse(JSON.parse(text))] as const),
    )
  }

  count(command: string, times = 1): void {
    this.commands.set(command, (this.commands.get(command) ?? 0) + times)
  }

  isAlive(boot: BootId): boolean {
    return (this.leases.get(boot)?.until ?? 0) > this.time.now()
  }

  publish(lose: number, deliver: (node: Node) => void): void {
    for (const node of this.nodes) node.arrive(lose, () => deliver(node))
  }

  flush(): void {
    this.hashes.clear()
    this.leases.clear()
  }
}

/** One gateway process: killed it does nothing any more, stopped it does everything later. */
class Gate implements Clock {
  readonly #time: VirtualTime
  #state: 'runs' | 'stopped' | 'dead' = 'runs'
  #backlog: (() => void)[] = []

  constructor(time: VirtualTime) {
    this.#time = time
  }

  now(): number {
    return this.#time.now()
  }

  after(ms: number, run: () => void): Cancel {
    let isCancelled = false
    const cancel = this.#time.after(ms, () => this.enter(() => (isCancelled ? undefined : run())))
    return () => {
      isCancelled = true
      cancel()
    }
  }

  enter(run: () => void): void {
    if (this.#state === 'runs') run()
    else if (this.#state === 'stopped') this.#backlog.push(run)
  }

  stop(): void {
    if (this.#state === 'runs') this.#state = 'stopped'
  }

  go(): void {
    if (this.#state !== 'stopped') return
    this.#state = 'runs'
    for (const run of this.#backlog.splice(0)) this.enter(run)
  }

  kill(): void {
    this.#state = 'dead'
    this.#backlog = []
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }
}

class ModelStore implements PresenceStore {
  readonly #redis: ModelRedis
  readonly #gate: Gate
  #ready: () => void = () => {}
  #isConnected = false
  #lastAt = 0
  readonly #open = new Set<(error: Error) => void>()

  constructor(redis: ModelRedis, gate: Gate) {
    this.#redis = redis
    this.#gate = gate
  }

  start(ready: () => void): void {
    this.#ready = ready
  }

  connect(): void {
    this.#isConnected = true
    this.#gate.enter(this.#ready)
  }

  cut(): void {
    this.#isConnected = false
    for (const refuse of [...this.#open]) refuse(new Error('the connection is cut'))
  }

  /** In order at Redis; the answer comes a moment later. */
  #ask<T>(run: () => T): Promise<T> {
    if (!this.#isConnected || this.#gate.isDead) return Promise.reject(new Error('not connected'))
    const { time, weather } = this.#redis
    this.#lastAt = Math.max(this.#lastAt, time.now() + 1 + Math.floor(weather.random() * 4))
    return new Promise((resolve, reject) => {
      let isOpen = true
      const refuse = (error: Error): void => {
        isOpen = false
        this.#open.delete(refuse)
        this.#gate.enter(() => reject(error))
      }
      this.#open.add(refuse)
      time.after(this.#lastAt - time.now(), () => {
        if (!isOpen) return
        const value = run()
        time.after(1 + Math.floor(weather.random() * 10), () => {
          if (!isOpen) return
          this.#open.delete(refuse)
          this.#gate.enter(() => resolve(value))
        })
      })
    })
  }

  beat({ name, isNew, ttlMs, peers, announce, measure }: BeatRequest): Promise<BeatAnswer> {
    return this.#ask(() => {
      const { leases, time } = this.#redis
      const isKept = this.#redis.isAlive(name.bootId) !== isNew
      if (isKept) leases.set(name.bootId, { until: time.now() + ttlMs, formerly: name.formerly })
      const restsMs = new Map<BootId, number>()
      for (const peer of peers)
        if (this.#redis.isAlive(peer)) restsMs.set(peer, (leases.get(peer)?.until ?? 0) - time.now())
      this.#redis.count('beat')
      this.#redis.count('pttl', peers.length)
      if (announce !== undefined) {
        this.#redis.count('publish')
        const message = Buffer.from(encodeGatewayBeat(announce))
        this.#redis.publish(this.#redis.weather.loseBeats, (node) => node.hub.beatHeard(message))
      }
      return { isKept, restsMs, measured: this.#measure(measure) }
    })
  }

  #measure(space: string | undefined): number | undefined {
    if (space === undefined) return undefined
    this.#redis.count('hlen')
    return this.#redis.hash(space).size
  }

  write(writes: readonly PresenceWrite[]): Promise<void> {
    return this.#ask(() => {
      for (const { space, bootId, from, to, put, left, hint } of writes) {
        const hash = this.#redis.hash(space)
        for (const [being, entry] of put) hash.set(presenceField(bootId, being), JSON.stringify(entry))
        for (const being of left.keys()) hash.delete(presenceField(bootId, being))
        const message = encodePresenceMessage(bootId, from, to, hint)
        this.#redis.count('write')
        this.#redis.publish(this.#redis.weather.lose, (node) => node.hear(space, message))
      }
    })
  }

  read(space: string, boots: readonly BootId[]): Promise<PresenceRead> {
    return this.#ask(() => {
      this.#redis.count('read')
      const entries = new Map<BootId, Map<string, PresenceEntry>>()
      for (const [field, entry] of this.#redis.entries(space)) {
        const name = parsePresenceField(field)
        if (name === undefined) throw new Error(`not a field: ${field}`)
        const part = entries.get(name.bootId) ?? new Map<string, PresenceEntry>()
        entries.set(name.bootId, part.set(name.being, entry))
      }
      const alive = [...boots, ...entries.keys()].filter((boot) => this.#redis.isAlive(boot))
      return { entries, leases: new Map(alive.map((boot) => [boot, this.#redis.leases.get(boot)?.formerly ?? []])) }
    })
  }

  removeOrphans(space: string, orphans: Orphans): Promise<void> {
    return this.#ask(() => {
      for (const [boot, beings] of orphans)
        for (const being of beings) this.#redis.hash(space).delete(presenceField(boot, being))
    })
  }

  leave({ bootId, beings, beat }: LastWords): Promise<void> {
    return this.#ask(() => {
      for (const [space, those] of beings)
        for (const being of those) this.#redis.hash(space).delete(presenceField(bootId, being))
      this.#redis.leases.delete(bootId)
      const message = Buffer.from(encodeGatewayBeat(beat))
      this.#redis.publish(this.#redis.weather.loseBeats, (node) => node.hub.beatHeard(message))
    })
  }

  stop(): void {
    this.cut()
  }
}

/** What one client sees of one space: the answer it got and the frames after it. */
export class Screen {
  readonly frames: { joined: Here[]; left: string[]; updated: Here[]; hereCount: number; frozen: boolean }[] = []
  here = new Map<string, Here>()
  hereCount = 0
  frozen = false

  answered(answer: { here: readonly Here[]; hereCount: number; frozen: boolean }): void {
    this.here = new Map(answer.here.map((one) => [one.being, one]))
    this.hereCount = answer.hereCount
    this.frozen = answer.frozen
  }

  hear(text: string): void {
    for (const line of parseServerMessage(text)) {
      if (!line.ok || line.value.type !== 'presence') throw new Error(`not a presence frame: ${text}`)
      const { joined, left, updated, hereCount, frozen } = line.value
      this.frames.push({ joined, left, updated, hereCount, frozen })
      for (const being of left) this.here.delete(being)
      for (const one of joined) this.here.set(one.being, one)
      for (const one of updated) if (this.here.has(one.being)) this.here.set(one.being, one)
      this.hereCount = hereCount
      this.frozen = frozen
    }
  }
}

export class Node {
  readonly name: string
  readonly gate: Gate
  readonly hub: PresenceHub
  /** The clients of each space that is watched here. */
  readonly screens = new Map<string, Screen[]>()
  readonly lastSeen = new Map<string, number>()
  readonly #redis: ModelRedis
  readonly #store: ModelStore
  #isListening = false

  constructor(name: string, redis: ModelRedis, settings: PresenceSettings) {
    this.name = name
    this.#redis = redis
    this.gate = new Gate(redis.time)
    this.#store = new ModelStore(redis, this.gate)
    let boots = 0
    this.hub = new PresenceHub({
      clock: this.gate,
      store: this.#store,
      lastSeen: {
        note: (being, at) => this.lastSeen.set(being, Math.max(at, this.lastSeen.get(being) ?? 0)),
        flush: () => Promise.resolve(),
        stop: () => {},
      },
      newBootId: () => `${name}-${++boots}`,
      metrics: createPresenceMetrics(),
      log: quietLog,
      settings,
    })
    redis.nodes.add(this)
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
    this.#redis.nodes.delete(this)
  }

  /** A message on its way: lost, doubled or late as the weather has it. */
  arrive(lose: number, deliver: () => void): void {
    if (!this.#isListening) return
    const { time, weather } = this.#redis
    if (weather.random() < lose) return
    for (let copies = weather.random() < weather.double ? 2 : 1; copies > 0; copies--)
      time.after(1 + Math.floor(weather.random() * weather.lateMs), () => {
        if (this.#isListening) this.gate.enter(deliver)
      })
  }

  hear(space: string, bytes: Uint8Array): void {
    const message = parseSpaceMessage(bytes)
    if (!message.ok || message.value.kind !== 'presence') throw new Error('not a presence message')
    if (this.screens.has(space)) this.hub.heard(space, message.value)
  }

  /** A client subscribes, as somebody who is here or only to watch. */
  subscribe(space: string, presence?: { connection: number; being: string }): Screen {
    const screens = this.screens.get(space) ?? this.open(space)
    if (presence !== undefined) this.hub.came(space, presence.connection, presence.being)
    const screen = new Screen()
    screen.answered(this.hub.here(space, presence === undefined ? [] : [presence.being]))
    screens.push(screen)
    return screen
  }

  close(space: string): void {
    if (this.screens.delete(space)) this.hub.closed(space)
  }

  /** A feed opens. */
  open(space: string): Screen[] {
    const screens: Screen[] = []
    this.screens.set(space, screens)
    this.hub.opened(space, (frame) => {
      for (const screen of screens) screen.hear(Buffer.from(frame).toString('utf8'))
    })
    if (this.#isListening) this.#redis.time.after(1, () => this.gate.enter(() => this.#joined(space)))
    return screens
  }

  #joined(space: string): void {
    if (this.#isListening && this.screens.has(space)) this.hub.channelJoined(space)
  }
}
