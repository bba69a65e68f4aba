/**
 * One logical client that lives through everything: watches its spaces over a reconnecting (reconnecting-client.ts),
 * resumes by position, notices heads ahead of its own, and is here or only watches. Written against the contract alone;
 * what it was given of a space's log is in its witnesses, what it was told of who is there in its rosters.
 */
import type { JsonObject, ServerFrame } from '@rhizom/protocol'
import type { Carrier } from './carrier.ts'
import {
  ReconnectingClient,
  type ReconnectingClientOptions,
  type ReconnectingClientState,
} from './reconnecting-client.ts'
import type { Attendance, Stay } from './presence/attendance.ts'
import { RosterWitness } from './presence/roster-witness.ts'
import { SpaceWitness } from './space-witness.ts'

const ANSWER_WITHIN_MS = 5_000

export interface WatcherOptions extends ReconnectingClientOptions {
  name: string
  being: string
  spaces: readonly string[]
  /** Whether its being is here through it. */
  present: boolean
  /** Says in which state its being is: of the clients of a being at most one does, so that it is known what counts. */
  voice: boolean
  attendance: Attendance
  onDelivered: (watcher: Watcher, space: string, from: number, to: number) => void
}

export class Watcher {
  readonly name: string
  readonly being: string
  readonly isVoice: boolean
  readonly witnesses: ReadonlyMap<string, SpaceWitness>
  readonly rosters: ReadonlyMap<string, RosterWitness>
  readonly reconnecting: ReconnectingClient
  headsAhead = 0
  /** Subscriptions that got no answer in time and were asked for again. */
  unanswered = 0
  /** Not measured while it is kept from reading. */
  impaired = false
  readonly #options: WatcherOptions
  readonly #awaited = new Map<string, number>()
  readonly #again = new Map<string, number>()
  /** Where it means to be here. */
  readonly #present: Set<string>
  readonly #stays = new Map<string, Stay>()
  readonly #states = new Map<string, JsonObject>()

  constructor(options: WatcherOptions) {
    this.#options = options
    this.name = options.name
    this.being = options.being
    this.isVoice = options.voice
    this.#present = new Set(options.present ? options.spaces : [])
    this.witnesses = new Map(options.spaces.map((space) => [space, new SpaceWitness(space)]))
    // Who may have to poll is not told who is here.
    const isTold = options.carriers?.every(({ name }) => name !== 'polling') ?? true
    this.rosters = new Map(isTold ? options.spaces.map((space) => [space, new RosterWitness(space)]) : [])
    this.reconnecting = new ReconnectingClient(options, {
      welcomed: () => this.witnesses.forEach((_witness, space) => this.#subscribe(space)),
      frame: (frame) => this.#take(frame),
      looked: (now) => this.#look(now),
      lost: () => this.#lost(),
    })
  }

  get state(): ReconnectingClientState {
    return this.reconnecting.state
  }

  /** By what it is carried now. */
  get carriedBy(): Carrier['name'] {
    return this.reconnecting.carrier.name
  }

  get closes(): ReadonlyMap<number, number> {
    return this.reconnecting.closes
  }

  /** What no gateway may do. */
  get violations(): string[] {
    return this.reconnecting.violations
  }

  start(): void {
    this.reconnecting.start()
  }

  stop(how?: 'politely' | 'at-once'): void {
    this.reconnecting.stop(how)
  }

  stopReading(): void {
    this.impaired = true
    this.reconnecting.stopReading()
  }

  readAgain(): void {
    this.reconnecting.readAgain()
  }

  sleep(): void {
    this.impaired = true
    this.reconnecting.sleep()
  }

  wake(): void {
    this.reconnecting.wake()
  }

  /** Is a healthy client again, whatever was done to it. */
  recover(): void {
    this.wake()
    this.readAgain()
    this.impaired = false
  }

  /** Whether its being should be in a space because of it: it is there, or on its way back. */
  isHereIn(space: string): boolean {
    return this.#present.has(space) && this.state !== 'asleep' && this.state !== 'stopped'
  }

  /** The state that its being should be seen in. */
  stateIn(space: string): JsonObject {
    return this.#states.get(space) ?? {}
  }

  /** Comes into a space, in no state, or goes and only watches it from now on. */
  setPresent(space: string, present: boolean): void {
    if (present === this.#present.has(space)) return
    if (present) this.#present.add(space)
    else {
      this.#present.delete(space)
      // Within the grace its gateway would go on with the former state: it says that it has none when it is back.
      if (this.#states.has(space)) this.#states.set(space, {})
      this.#endStay(space)
    }
    if (this.state === 'live') this.#subscribe(space)
  }

  setState(space: string, state: JsonObject): void {
    if (!this.isVoice || !this.isHereIn(space)) return
    this.#states.set(space, state)
    this.#tellState(space)
  }

  /** Says something that it does not know of itself. */
  say(frame: object): void {
    this.reconnecting.send(frame)
  }

  /** Whether it is connected and every space it watches was answered. */
  get isSettled(): boolean {
    return this.state === 'live' && this.#awaited.size === 0 && this.#again.size === 0
  }

  /** Whether it holds at least these positions in every space it watches. */
  isAt(heads: ReadonlyMap<string, { epoch: string; version: number }>): boolean {
    return [...this.witnesses].every(([space, { position }]) => {
      const head = heads.get(space)
      return head === undefined || (position?.epoch === head.epoch && position.version >= head.version)
    })
  }

  describe(): string {
    const at = [...this.witnesses].map(([space, { position }]) => `${space} ${position?.version ?? '–'}`).join(', ')
    return `${this.name} ${this.being} ${this.reconnecting.describe()} [${at}] unanswered ${this.unanswered}`
  }

  #lost(): void {
    const now = performance.now()
    this.#awaited.clear()
    this.#again.clear()
    this.#stays.clear()
    for (const roster of this.rosters.values()) roster.lost(now)
  }

  #look(now: number): void {
    for (const [space, at] of this.#awaited) {
      if (now - at < ANSWER_WITHIN_MS) continue
      this.unanswered += 1
      this.#subscribe(space)
    }
    for (const [space, at] of this.#again) if (now >= at) this.#subscribe(space)
  }

  #subscribe(space: string): void {
    const held = this.witnesses.get(space)?.position
    this.#again.delete(space)
    this.#awaited.set(space, performance.now())
    const position = held === undefined ? {} : { epoch: held.epoch, after: held.version }
    this.reconnecting.send({ type: 'subscribe', space, ...position, present: this.#present.has(space) })
  }

  #tellState(space: string): void {
    const state = this.#states.get(space)
    if (state !== undefined && this.state === 'live' && !this.#awaited.has(space) && !this.#again.has(space))
      this.reconnecting.send({ type: 'presence', space, state })
  }

  #take(frame: ServerFrame): void {
    switch (frame.type) {
      case 'snapshot':
        return this.#advance(frame.space, (witness) => {
          this.#answered(frame)
          witness.replace(frame)
          return true
        })
      case 'resumed':
        return this.#advance(frame.space, (witness) => {
          this.#answered(frame)
          return witness.apply(frame)
        })
      case 'changes':
        return this.#advance(frame.space, (witness) => witness.apply(frame))
      case 'presence':
        this.rosters.get(frame.space)?.changed(frame, performance.now())
        return
      case 'heartbeat':
        for (const [space, version] of Object.entries(frame.heads)) {
          const held = this.witnesses.get(space)?.position
          if (held === undefined || held.version >= version || this.#awaited.has(space)) continue
          this.headsAhead += 1
          this.#subscribe(space)
        }
        return
      case 'error':
        return this.#refused(frame)
      case 'unsubscribed':
        this.violations.push(`${frame.space} was taken away: ${frame.code}`)
        return
      case 'welcome':
      case 'goodbye':
      case 'signal':
      case 'pong':
      case 'work':
      case 'news':
        return
      default:
        frame satisfies never
    }
  }

  #refused({ code, message, space, retryAfterMs }: Extract<ServerFrame, { type: 'error' }>): void {
    this.reconnecting.lastError = `${code}: ${message}`
    if (space === undefined) return
    if (code === 'not-subscribed') return void this.violations.push(`a state in ${space} was refused: ${message}`)
    this.#awaited.delete(space)
    this.#again.set(space, performance.now() + Math.min(retryAfterMs ?? 300, 1_000))
    this.#endStay(space)
    if (code === 'not-found') this.violations.push(`${space} was called not found`)
  }

  #answered(frame: Extract<ServerFrame, { type: 'snapshot' | 'resumed' }>): void {
    const { space } = frame
    const now = performance.now()
    this.reconnecting.proved()
    this.#awaited.delete(space)
    this.rosters.get(space)?.answered(frame, now)
    if (!this.#present.has(space)) return
    const { being } = this
    const { gateway, pulse } = this.reconnecting
    if (!this.#stays.has(space))
      this.#stays.set(space, this.#options.attendance.enter({ space, being, gateway, pulse, from: now }))
    this.#tellState(space)
  }

  #endStay(space: string): void {
    const stay = this.#stays.get(space)
    if (stay !== undefined) stay.to = performance.now()
    this.#stays.delete(space)
  }

  #advance(space: string, accept: (witness: SpaceWitness) => boolean): void {
    const witness = this.witnesses.get(space)
    if (witness === undefined) return void this.violations.push(`was given ${space}, which it does not watch`)
    const from = witness.position
    if (!accept(witness)) {
      if (!this.#awaited.has(space)) this.#subscribe(space)
      return
    }
    const to = witness.position
    if (from !== undefined && to !== undefined && from.epoch === to.epoch && to.version > from.version)
      this.#options.onDelivered(this, space, from.version, to.version)
  }
}
