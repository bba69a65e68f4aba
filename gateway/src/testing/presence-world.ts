/**
 * For tests: a few gateways' presence over a Redis of their own, in virtual time. The gateways are real (PresenceHub);
 * Redis, the bus and the clients are models. Connections may be cut, processes killed or stopped, Redis emptied.
 */
import { type Here, parseServerMessage, parseSpaceMessage } from '@rhizom/protocol'
import type { Log } from '../ports.ts'
import { PresenceHub, type PresenceSettings } from '../presence/hub.ts'
import type { PresenceHandle, RosterHandle } from '../presence/port.ts'
import { createPresenceMetrics } from '../presence/metrics.ts'
import { type ModelRedis, ModelStore, type Subscriber } from './model-store.ts'
import { ProcessGate } from './process-gate.ts'

export const quietLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

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
  #isListening = false

  constructor(name: string, redis: ModelRedis, settings: PresenceSettings, log: Log = quietLog) {
    this.name = name
    this.#redis = redis
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

  hearHint(space: string, bytes: Uint8Array): void {
    const message = parseSpaceMessage(bytes)
    if (!message.ok || message.value.kind !== 'presence') throw new Error('not a presence message')
    this.rosters.get(space)?.hintReceived(message.value)
  }

  hearHeartbeat(message: Uint8Array): void {
    this.hub.heartbeatReceived(message)
  }

  /** A client subscribes, as somebody who is here or only to watch. */
  subscribe(
    space: string,
    presence?: { connection: number; being: string },
  ): { screen: Screen; handle?: PresenceHandle } {
    const screens = this.screens.get(space) ?? this.open(space)
    const handle = presence && this.hub.join(space, presence.being, presence.connection)
    const screen = new Screen()
    const answer = this.rosters.get(space)?.answerPart(presence === undefined ? [] : [presence.being])
    if (answer !== undefined) screen.answered(answer)
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
