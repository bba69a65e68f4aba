/**
 * Runs the connection machine (core/connection/machine.ts) of one client: cuts what it says into lines, carries out
 * effects, keeps its subscriptions. Bytes leave through its outbox, and `#close` is the only way it ends.
 *
 * Everything that comes in from outside comes through `#guard`: what is thrown while this client is served closes this
 * client and reaches nobody else, neither those who share a feed with it nor the process.
 */
import { soonest } from '@rhizom/machine'
import type { Accounts } from '@rhizom/process'
import {
  type BeingId,
  CLOSE,
  type CloseName,
  encodeFrame,
  encodeSignalMessage,
  type NewsFrame,
  type ServerFrame,
  type SessionId,
  type SpaceId,
} from '@rhizom/protocol'
import type { DrainPlan } from '../core/connection/drain.ts'
import type { SendBudgetSettings } from '../core/connection/send-budget.ts'
import { connectionMachine, openConnection } from '../core/connection/machine.ts'
import type {
  ConnectionEffect,
  ConnectionEvent,
  ConnectionLimits,
  ConnectionState,
  SubscriptionEvent,
} from '../core/connection/state.ts'
import type { Metrics } from '../observe.ts'
import { Outbox, type OutboxDeps, type OutboxOwner } from './outbox.ts'
import type { Bus, ClientHandlers, ClientSocket, Log, VerifyToken } from '../ports.ts'
import { Stepper, type StepperDeps } from './stepper.ts'
import { type Subscriber, Subscriptions, type SubscriptionsDeps } from './subscriptions.ts'
import type { Wall } from '../wall.ts'

export interface ConnectionDeps
  extends StepperDeps<ConnectionState, ConnectionEvent, ConnectionEffect>,
    OutboxDeps,
    SubscriptionsDeps {
  bus: Bus
  verifyToken: VerifyToken
  accounts: Accounts
  metrics: Metrics
  log: Log
  wall: Wall
  limits: ConnectionLimits
  refusedBytes: number
  /** Whether a being was removed, or a session ended, for all that is known. */
  isRevoked(id: BeingId | SessionId): boolean
  /** Whether the last that was asked of the api was not answered. */
  isApiAway(): boolean
  /** Whether it may have one connection more. */
  enters(being: BeingId): boolean
  /** From now on it is told of work. */
  awaitsWork(connection: Connection): void
  /** All that is new to it is told now, and from now on. */
  followsNews(connection: Connection, being: BeingId): void
  closed(connection: Connection): void
}

/** What a subscription costs at least: it may be a question to the api. */
const SUBSCRIBE_BYTES = 4 * 1024

export interface ConnectionSettings {
  limits: ConnectionLimits
  sendBudget: SendBudgetSettings
  /** What it costs to ask for a space that is not there for whoever asks. */
  refusedBytes: number
}

/** What all connections of a gateway are given, and the machine that is stepped for each. */
export const connectionDeps = (deps: Omit<ConnectionDeps, 'machine'>): ConnectionDeps => ({
  ...deps,
  machine: connectionMachine(deps.limits),
})

export class Connection
  extends Stepper<ConnectionState, ConnectionEvent, ConnectionEffect>
  implements ClientHandlers, OutboxOwner, Subscriber
{
  readonly outbox: Outbox
  readonly #deps: ConnectionDeps
  readonly #subscriptions: Subscriptions
  #being: BeingId | undefined
  #session: SessionId | undefined

  constructor(id: string, socket: ClientSocket, deps: ConnectionDeps) {
    super(deps, openConnection(id, deps.clock.nowMs(), deps.limits))
    this.#deps = deps
    this.outbox = new Outbox(socket, this, deps)
    this.#subscriptions = new Subscriptions(this, deps)
    deps.wheel.schedule(this)
  }

  get status(): ConnectionState['status'] {
    return this.isStopped ? 'closed' : this.state.status
  }

  /** Who it is, as soon as that is known. */
  get being(): BeingId | undefined {
    return this.#being
  }

  /** The session that its latest token is of, if there is one. */
  get session(): SessionId | undefined {
    return this.#session
  }

  override get wakesAtMs(): number | undefined {
    return soonest([super.wakesAtMs, this.outbox.wakesAtMs])
  }

  override wake(): void {
    this.outbox.timePassed()
    super.wake()
  }

  /** Lines are cut off one by one, so that a message of nothing but line ends is given up as soon as it is too much. */
  textReceived(text: string): void {
    let start = 0
    do {
      const end = text.indexOf('\n', start)
      const line = end < 0 ? text.slice(start) : text.slice(start, end)
      this.dispatch({ type: 'lineReceived', line, bytes: Buffer.byteLength(line) })
      start = end < 0 ? text.length : end + 1
    } while (start < text.length && this.status !== 'closed')
  }

  binaryReceived(): void {
    this.dispatch({ type: 'binaryReceived' })
  }

  controlReceived(): void {
    this.dispatch({ type: 'controlReceived' })
  }

  writable(): void {
    this.guard(() => {
      if (this.outbox.writable()) this.#subscriptions.writable()
    }, undefined)
  }

  closed(): void {
    this.outbox.forget()
    this.dispatch({ type: 'socketClosed' })
  }

  /** Says goodbye now and closes later. */
  drain(leave: DrainPlan): void {
    this.dispatch({ type: 'drainStarted', ...leave })
  }

  /** Who this is was removed, or the session ended. */
  revoke(type: 'beingRevoked' | 'sessionEnded'): void {
    this.dispatch({ type })
  }

  /** What is held for it: what lies unsent, and what it said before its token was verified. */
  get heldBytes(): number {
    return this.outbox.heldBytes + unreadBytes(this.state)
  }

  /** The gateway holds too much, and most of it for this one. */
  overload(): void {
    this.dispatch({ type: 'overloaded' })
  }

  /** There may be something to claim for who this is. */
  announceWork(): void {
    this.dispatch({ type: 'workAnnounced' })
  }

  /** What is new in the spaces of who this is. */
  newsLearned(frame: NewsFrame): void {
    this.dispatch({ type: 'newsLearned', frame })
  }

  fellBehind(): void {
    this.#deps.metrics.slowReaders.inc()
    this.dispatch({ type: 'fellBehind' })
  }

  subscriptionChanged(news: SubscriptionEvent): void {
    if (news.type === 'subscriptionEnded') this.#deps.metrics.evictions.inc({ code: news.code })
    this.dispatch(news)
  }

  answered(account: BeingId, bytes: number): void {
    this.#deps.accounts.spend([{ budget: 'sent-bytes', account, cost: bytes }])
  }

  refusedUnseen(account: BeingId): void {
    this.answered(account, this.#deps.refusedBytes)
  }

  guard<T>(run: () => T, otherwise: T): T {
    try {
      return run()
    } catch (error) {
      this.faulted(error)
      return otherwise
    }
  }

  /** The machine is not asked any more: it may be what failed, or its effects may be half carried out. */
  override faulted(error: unknown): void {
    const { wall } = this.#deps
    wall.report('connection', error, this.#named())
    const ignore = (): void => undefined
    if (!this.isStopped) this.#deps.memory.add('clients', -unreadBytes(this.state))
    this.stop()
    wall.around('connection', () => this.#subscriptions.clear(), ignore)
    wall.around('connection', () => this.#close('notUnderstood'), ignore)
    this.outbox.forget()
    this.#ended()
  }

  protected override changed(state: ConnectionState, before: ConnectionState): void {
    const more = unreadBytes(state) - unreadBytes(before)
    if (more !== 0) this.#deps.memory.add('clients', more)
    if (state.status === 'closed') this.#ended()
  }

  #ended(): void {
    this.stop()
    this.#deps.closed(this)
  }

  protected override carryOut(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'sendFrame':
        if (effect.frame.type === 'news') this.#deps.metrics.newsFrames.inc()
        this.outbox.send(encodeFrame(effect.frame))
        return
      case 'closeSocket':
        this.#close(effect.close)
        return
      case 'countFrame':
        this.#deps.metrics.framesIn.inc({ type: effect.frame })
        return
      case 'verifyToken':
        this.#verify(effect)
        return
      case 'watch':
        this.#watch(effect)
        return
      case 'unwatch':
        this.#subscriptions.unwatch(effect.space)
        return
      case 'setPresence':
        this.#setPresence(effect)
        return
      case 'publishSignal':
        this.#publishSignal(effect)
        return
      case 'awaitWork':
        this.#deps.awaitsWork(this)
        return
      case 'followNews':
        this.#deps.followsNews(this, effect.being)
        return
      case 'sendHeartbeat':
        this.#sendHeartbeat(effect.spaces)
        return
      default:
        effect satisfies never
    }
  }

  #verify({ purpose, token }: Extract<ConnectionEffect, { type: 'verifyToken' }>): void {
    this.#deps
      .verifyToken(token, () => !this.isStopped)
      .then(
        (outcome) => {
          if (!outcome.ok) return this.dispatch({ type: 'tokenRefused', reason: outcome.reason })
          const { being, session, expiresAt } = outcome
          const { isRevoked } = this.#deps
          if (isRevoked(being)) return this.dispatch({ type: 'tokenRefused', reason: 'revoked' })
          if (session !== undefined && isRevoked(session))
            return this.dispatch({ type: 'tokenRefused', reason: 'ended' })
          if (purpose === 'hello' && !this.#enters(being))
            return this.dispatch({ type: 'tokenRefused', reason: 'crowded' })
          this.#session = session
          return this.dispatch({ type: 'tokenVerified', purpose, being, expiresAt })
        },
        (error: unknown) => {
          this.#deps.log.error({ err: error, ...this.#named() }, 'verifying a token failed')
          this.dispatch({ type: 'tokenRefused', reason: 'invalid' })
        },
      )
  }

  /** Counted from here on, until it is closed. */
  #enters(being: BeingId): boolean {
    if (this.isStopped || !this.#deps.enters(being)) return false
    this.#being = being
    return true
  }

  /** An answer is paid for by its bytes, when it was sent; asking costs something whatever comes of it. */
  #watch({ space, being, position, present }: Extract<ConnectionEffect, { type: 'watch' }>): void {
    const over = this.#deps.accounts.takeHere([{ budget: 'sent-bytes', account: being, cost: SUBSCRIBE_BYTES }])
    if (over === undefined) return this.#subscriptions.watch(space, being, position, present)
    this.#subscriptions.unwatch(space)
    const refusal = { code: 'rate-limited', retryAfterMs: over.retryAfterMs } as const
    return this.dispatch({ type: 'subscriptionRefused', space, refusal })
  }

  #publishSignal({ space, being, name, data }: Extract<ConnectionEffect, { type: 'publishSignal' }>): void {
    const { accounts, bus, metrics } = this.#deps
    const over = accounts.takeHere([{ budget: 'signals', account: being, cost: 1 }])
    if (over !== undefined) {
      const message = 'Over the budget of signals'
      const { retryAfterMs } = over
      const frame: ServerFrame = { type: 'error', code: 'rate-limited', message, space, retryAfterMs }
      return this.outbox.send(encodeFrame(frame))
    }
    metrics.signals.inc()
    return bus.publish(space, encodeSignalMessage(space, being, name, data))
  }

  #setPresence({ space, state }: Extract<ConnectionEffect, { type: 'setPresence' }>): void {
    if (this.#subscriptions.setState(space, state)) return
    const message = 'Subscribe with present to be here'
    const frame: ServerFrame = { type: 'error', code: 'not-subscribed', message, space }
    this.outbox.send(encodeFrame(frame))
  }

  #sendHeartbeat(spaces: readonly SpaceId[]): void {
    const heads: Record<SpaceId, number> = {}
    for (const space of spaces) {
      const isFollowing = this.#subscriptions.isFollowing(space)
      const version = isFollowing ? this.#deps.spaces.sentVersion(space) : undefined
      if (version !== undefined) heads[space] = version
    }
    const { clock, isApiAway } = this.#deps
    const frame: ServerFrame = { type: 'heartbeat', at: clock.dateMs(), heads, ...(isApiAway() && { apiAway: true }) }
    this.outbox.send(encodeFrame(frame))
  }

  #close(name: CloseName): void {
    if (!this.outbox.isOpen) return
    const { code, reason } = CLOSE[name]
    this.#deps.metrics.closes.inc({ code: String(code) })
    this.#deps.log.debug({ ...this.#named(), code }, 'a connection is closed')
    this.outbox.close(code, reason, name === 'overloaded')
  }

  /** In lines of the log. */
  #named(): { connection: string; being: BeingId | undefined } {
    return { connection: this.state.id, being: this.#being }
  }
}

const unreadBytes = (state: ConnectionState): number => (state.status === 'authenticating' ? state.heldBytes : 0)
