/**
 * Keeps one client connected to one gateway or another: says hello, comes back after any close by that code's policy
 * with a small backoff, notices silence by itself. Written against the contract alone, with no code of our client
 * package. What is asked for and held over it is the watcher's matter (watcher.ts).
 *
 *   connecting ─► greeting ─► live ─► waiting ─► connecting …        asleep: until woken · stopped: for ever
 */
import { closePolicy, type ServerFrame, TIMES } from '@rhizom/protocol'
import type { CarriedConnection, Carrier } from './carrier.ts'
import { socketCarrier } from './socket-carrier.ts'
import { Pulse } from './presence/attendance.ts'

const WELCOME_WITHIN_MS = 2_000
const LOOK_EVERY_MS = 100
const BACKOFF_MS = { first: 50, most: 800 } as const

export interface ReconnectingClientOptions {
  /** Base urls; the next one is tried after each close. */
  gateways: readonly string[]
  first: number
  token: string
  /** What it is carried by, a WebSocket if nothing is said: the next one is tried when one brings no welcome. */
  carriers?: readonly Carrier[]
}

/** Who is kept connected. */
export interface ReconnectingClientOwner {
  welcomed(): void
  /** Everything but the greetings. */
  frame(frame: ServerFrame): void
  /** While it is live, now and then. */
  looked(now: number): void
  /** What was asked for over it is gone. */
  lost(): void
}

export type ReconnectingClientState = 'connecting' | 'greeting' | 'live' | 'waiting' | 'asleep' | 'stopped'

export class ReconnectingClient {
  /** What no gateway may do. */
  readonly violations: string[] = []
  readonly closes = new Map<number, number>()
  connects = 0
  silences = 0
  state: ReconnectingClientState = 'waiting'
  lastError = 'none'
  /** What was heard over the present connection, or the last one. */
  pulse = new Pulse(0)
  /** Does not come back once its connection is gone. */
  endsWithConnection = false
  /** Does not mind silence until then. */
  patientUntil = 0
  readonly #options: ReconnectingClientOptions
  readonly #owner: ReconnectingClientOwner
  readonly #carriers: readonly Carrier[]
  #connection: CarriedConnection | undefined
  #gateway: number
  #carrier = 0
  #attempt = 0
  #heardAt = 0
  #since = 0
  #notBefore = 0
  #heartbeatMs: number = TIMES.heartbeatMs
  #paused = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: ReconnectingClientOptions, owner: ReconnectingClientOwner) {
    this.#options = options
    this.#owner = owner
    this.#carriers = options.carriers ?? [socketCarrier]
    this.#gateway = options.first
  }

  /** Which of the gateways it is at, counted from 0. */
  get gateway(): number {
    return this.#gateway % this.#options.gateways.length
  }

  /** By what it is connected, or tries to be. */
  get carrier(): Carrier {
    return this.#carriers[this.#carrier % this.#carriers.length] ?? socketCarrier
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS)
    this.#connect()
  }

  /** For ever: with a goodbye, or without a word as a machine that is switched off. */
  stop(how: 'politely' | 'at-once' = 'at-once'): void {
    clearInterval(this.#timer)
    const connection = this.#let('stopped')
    if (how === 'politely') connection?.close()
    else connection?.terminate()
  }

  /** Stops reading from its socket but stands there, as a page that hangs. */
  stopReading(): void {
    this.#paused = true
    this.#connection?.pause()
  }

  readAgain(): void {
    this.#paused = false
    this.#heardAt = performance.now()
    this.#connection?.resume()
  }

  /** Is gone without a word until `wake`, as a laptop that was closed. */
  sleep(): void {
    this.#let('asleep')?.terminate()
  }

  wake(): void {
    if (this.state !== 'asleep') return
    this.#attempt = 0
    this.#connect()
  }

  /** Goes to the gateway it first came to, as it first did, if it is elsewhere. */
  goHome(): void {
    const { gateways, first } = this.#options
    const isHome = this.gateway === first % gateways.length && this.carrier === this.#carriers[0]
    if (isHome || this.state !== 'live') return
    const connection = this.#let('waiting')
    this.#gateway = first
    this.#carrier = 0
    this.#attempt = 0
    this.#connect()
    connection?.terminate()
  }

  send(frame: object): void {
    if (this.#connection?.isOpen === true) this.#connection.send(frame)
  }

  /** All is well: the next attempt is the first. */
  proved(): void {
    this.#attempt = 0
  }

  describe(): string {
    const closes = [...this.closes].map(([code, count]) => `${code}×${count}`).join(' ')
    return `${this.state} at ${this.#options.gateways[this.gateway] ?? ''} connects ${this.connects} closes ${closes || 'none'} silences ${this.silences} last error ${this.lastError}`
  }

  #connect(): void {
    this.state = 'connecting'
    this.connects += 1
    this.#since = performance.now()
    this.pulse = new Pulse(this.#since)
    const { gateways, token } = this.#options
    const connection = this.carrier.open(gateways[this.gateway] ?? '', token, {
      opened: () => {
        if (connection !== this.#connection) return
        this.state = 'greeting'
        connection.send({ type: 'hello', protocol: 1, token })
      },
      frame: (frame) => {
        if (connection === this.#connection) this.#take(frame)
      },
      misunderstood: (problem) => void this.violations.push(`a frame that the contract does not know: ${problem}`),
      closed: (code) => {
        if (connection === this.#connection) this.#closed(code)
      },
    })
    this.#connection = connection
    if (this.#paused) connection.pause()
  }

  #take(frame: ServerFrame): void {
    this.#heardAt = performance.now()
    this.pulse.heard(this.#heardAt)
    if (frame.type === 'goodbye') this.#notBefore = this.#heardAt + frame.reconnectAfterMs
    else if (frame.type === 'welcome') {
      this.state = 'live'
      this.#heartbeatMs = frame.heartbeatMs
      this.#owner.welcomed()
    } else this.#owner.frame(frame)
  }

  /** Has no connection from here on; gives the one it had. */
  #let(state: 'waiting' | 'asleep' | 'stopped'): CarriedConnection | undefined {
    const connection = this.#connection
    this.#connection = undefined
    this.state = state
    this.pulse.end(performance.now())
    this.#owner.lost()
    return connection
  }

  #closed(code: number): void {
    this.closes.set(code, (this.closes.get(code) ?? 0) + 1)
    if (closePolicy(code) === 'stop') this.violations.push(`was told never to come back, with ${code}`)
    this.#retreat()
  }

  #abandon(why: string): void {
    this.lastError = why
    this.#retreat()?.terminate()
  }

  /** Every end of an attempt comes through here: the next gateway, after a while. */
  #retreat(): CarriedConnection | undefined {
    if (this.state !== 'live') this.#carrier += 1
    const connection = this.#let(this.endsWithConnection ? 'stopped' : 'waiting')
    if (this.endsWithConnection) clearInterval(this.#timer)
    this.#gateway += 1
    const most = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** this.#attempt)
    this.#attempt += 1
    this.#notBefore = Math.max(this.#notBefore, performance.now() + BACKOFF_MS.first + Math.random() * most)
    return connection
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
        if (now > this.patientUntil && now - this.#heardAt > this.#heartbeatMs * TIMES.deadAfterHeartbeats) {
          this.silences += 1
          this.#abandon('silence')
        } else this.#owner.looked(now)
        return
      case 'asleep':
      case 'stopped':
        return
      default:
        this.state satisfies never
    }
  }
}
