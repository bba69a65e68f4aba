/**
 * One logical client that lives through everything: watches its spaces over raw WebSockets, comes back after any close
 * by that code's policy with a small backoff, resumes by position, notices silence by itself and heads ahead of its
 * own. Written against the contract alone, with no code of our client package; what it was given is in its witnesses.
 *
 *   connecting ─► greeting ─► live ─► waiting ─► connecting …        asleep: until woken · stopped: for ever
 */
import { closePolicy, type ServerFrame, TIMES } from '@rhizom/protocol'
import { Connection } from './connection.ts'
import { SpaceWitness } from './space-witness.ts'

const WELCOME_WITHIN_MS = 2_000
const ANSWER_WITHIN_MS = 5_000
const LOOK_EVERY_MS = 100
const BACKOFF_MS = { first: 50, most: 800 } as const

export interface WatcherOptions {
  name: string
  /** Base urls; the next one is tried after each close. */
  gateways: readonly string[]
  first: number
  token: string
  spaces: readonly string[]
  onDelivered: (watcher: Watcher, space: string, from: number, to: number) => void
}

type WatcherState = 'connecting' | 'greeting' | 'live' | 'waiting' | 'asleep' | 'stopped'

export class Watcher {
  readonly name: string
  readonly witnesses: ReadonlyMap<string, SpaceWitness>
  /** What no gateway may do. */
  readonly violations: string[] = []
  readonly closes = new Map<number, number>()
  connects = 0
  silences = 0
  headsAhead = 0
  /** Subscriptions that got no answer in time and were asked for again. */
  unanswered = 0
  /** Not measured while it is kept from reading. */
  impaired = false
  state: WatcherState = 'waiting'
  lastError = 'none'
  readonly #options: WatcherOptions
  readonly #awaited = new Map<string, number>()
  readonly #again = new Map<string, number>()
  #connection: Connection | undefined
  #gateway: number
  #attempt = 0
  #heardAt = 0
  #since = 0
  #notBefore = 0
  #heartbeatMs: number = TIMES.heartbeatMs
  #paused = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: WatcherOptions) {
    this.#options = options
    this.name = options.name
    this.#gateway = options.first
    this.witnesses = new Map(options.spaces.map((space) => [space, new SpaceWitness(space)]))
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS)
    this.#connect()
  }

  stop(): void {
    this.state = 'stopped'
    clearInterval(this.#timer)
    this.#connection?.terminate()
  }

  /** Stops reading from its socket but stands there, as a page that hangs. */
  stopReading(): void {
    this.impaired = true
    this.#paused = true
    this.#connection?.stopReading()
  }

  readAgain(): void {
    this.#paused = false
    this.#heardAt = performance.now()
    this.#connection?.read()
  }

  /** Is gone without a word until `wake`, as a laptop that was closed. */
  sleep(): void {
    this.impaired = true
    this.state = 'asleep'
    this.#connection?.terminate()
    this.#connection = undefined
  }

  wake(): void {
    if (this.state !== 'asleep') return
    this.#attempt = 0
    this.#connect()
  }

  /** Goes to the gateway it first came to, if it is elsewhere. */
  goHome(): void {
    const { gateways, first } = this.#options
    if (this.#gateway % gateways.length === first % gateways.length || this.state !== 'live') return
    const connection = this.#connection
    this.#gateway = first
    this.#attempt = 0
    this.#connect()
    connection?.terminate()
  }

  /** Whether it is connected and every space it watches was answered. */
  get isSettled(): boolean {
    return this.state === 'live' && this.#awaited.size === 0 && this.#again.size === 0
  }

  /** Is a healthy client again, whatever was done to it. */
  recover(): void {
    this.wake()
    this.readAgain()
    this.impaired = false
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
    const closes = [...this.closes].map(([code, count]) => `${code}×${count}`).join(' ')
    const gateway = this.#options.gateways[this.#gateway % this.#options.gateways.length] ?? ''
    return `${this.name} ${this.state} at ${gateway} [${at}] connects ${this.connects} closes ${closes || 'none'} silences ${this.silences} unanswered ${this.unanswered} last error ${this.lastError}`
  }

  #connect(): void {
    this.state = 'connecting'
    this.connects += 1
    this.#since = performance.now()
    this.#awaited.clear()
    this.#again.clear()
    const gateways = this.#options.gateways
    const connection = new Connection(gateways[this.#gateway % gateways.length] ?? '', {
      opened: () => {
        if (connection !== this.#connection) return
        this.state = 'greeting'
        connection.send({ type: 'hello', protocol: 1, token: this.#options.token })
      },
      frame: (frame) => {
        if (connection !== this.#connection) return
        this.#heardAt = performance.now()
        this.#take(frame)
      },
      misunderstood: (problem) => this.violations.push(`a frame that the contract does not know: ${problem}`),
      closed: (code) => {
        if (connection === this.#connection) this.#closed(code)
      },
    })
    this.#connection = connection
    if (this.#paused) connection.stopReading()
  }

  #closed(code: number): void {
    this.closes.set(code, (this.closes.get(code) ?? 0) + 1)
    if (closePolicy(code) === 'stop') this.violations.push(`was told never to come back, with ${code}`)
    this.#retreat()
  }

  /** Every end of an attempt comes through here: the next gateway, after a while. */
  #retreat(): void {
    this.#connection = undefined
    if (this.state === 'stopped' || this.state === 'asleep') return
    this.state = 'waiting'
    this.#gateway += 1
    const most = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** this.#attempt)
    this.#attempt += 1
    this.#notBefore = Math.max(this.#notBefore, performance.now() + BACKOFF_MS.first + Math.random() * most)
  }

  #abandon(why: string): void {
    this.lastError = why
    const connection = this.#connection
    this.#retreat()
    connection?.terminate()
  }

  /** What only time tells. */
  #look(): void {
    const now = performance.now()
    if (this.#paused) return
    switch (this.state) {
      case 'waiting':
        if (now >= this.#notBefore) this.#connect()
        return
      case 'connecting':
      case 'greeting':
        if (now - this.#since > WELCOME_WITHIN_MS) this.#abandon('no welcome')
        return
      case 'live':
        if (now - this.#heardAt > this.#heartbeatMs * TIMES.deadAfterHeartbeats) {
          this.silences += 1
          return this.#abandon('silence')
        }
        for (const [space, at] of this.#awaited) {
          if (now - at < ANSWER_WITHIN_MS) continue
          this.unanswered += 1
          this.#subscribe(space)
        }
        for (const [space, at] of this.#again) if (now >= at) this.#subscribe(space)
        return
      case 'asleep':
      case 'stopped':
        return
      default:
        this.state satisfies never
    }
  }

  #subscribe(space: string): void {
    const held = this.witnesses.get(space)?.position
    this.#again.delete(space)
    this.#awaited.set(space, performance.now())
    const position = held === undefined ? {} : { epoch: held.epoch, after: held.version }
    this.#connection?.send({ type: 'subscribe', space, ...position })
  }

  #take(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.state = 'live'
        this.#heartbeatMs = frame.heartbeatMs
        for (const space of this.witnesses.keys()) this.#subscribe(space)
        return
      case 'snapshot':
        return this.#advance(frame.space, (witness) => {
          this.#answered(frame.space)
          witness.replace(frame)
          return true
        })
      case 'resumed':
        return this.#advance(frame.space, (witness) => {
          this.#answered(frame.space)
          return witness.apply(frame)
        })
      case 'changes':
        return this.#advance(frame.space, (witness) => witness.apply(frame))
      case 'heartbeat':
        for (const [space, version] of Object.entries(frame.heads)) {
          const held = this.witnesses.get(space)?.position
          if (held === undefined || held.version >= version || this.#awaited.has(space)) continue
          this.headsAhead += 1
          this.#subscribe(space)
        }
        return
      case 'goodbye':
        this.#notBefore = performance.now() + frame.reconnectAfterMs
        return
      case 'error':
        this.lastError = `${frame.code}: ${frame.message}`
        if (frame.space === undefined) return
        this.#awaited.delete(frame.space)
        this.#again.set(frame.space, performance.now() + Math.min(frame.retryAfterMs ?? 300, 1_000))
        if (frame.code === 'not-found') this.violations.push(`${frame.space} was called not found`)
        return
      case 'unsubscribed':
        this.violations.push(`${frame.space} was taken away: ${frame.code}`)
        return
      case 'presence':
      case 'signal':
      case 'pong':
        return
      default:
        frame satisfies never
    }
  }

  #answered(space: string): void {
    this.#attempt = 0
    this.#awaited.delete(space)
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
