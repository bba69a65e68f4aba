/**
 * Runs the session machine (core/session.ts) of one client: parses what it says, carries out effects, keeps its
 * subscriptions. Bytes leave through its outbox, and `#close` is the only way it ends.
 */
import {
  type BeingId,
  CLOSE,
  type CloseName,
  encodeFrame,
  encodeSignalMessage,
  parseClientMessage,
  type ServerFrame,
  type SpaceId,
} from '@rhizom/protocol'
import type { Leave } from './core/drain.ts'
import type { SendBudgetSettings } from './core/send-budget.ts'
import { openSession, sessionWakesAt, stepSession } from './core/session.ts'
import type { SessionEffect, SessionEvent, SessionSettings, SessionState } from './core/session-state.ts'
import { EventQueue } from './event-queue.ts'
import type { FeedHub } from './feed/feed-hub.ts'
import type { Metrics } from './observe.ts'
import { Outbox } from './outbox.ts'
import type { Bus, Cancel, ClientHandlers, ClientSocket, Clock, Log, Random, VerifyToken } from './ports.ts'
import type { Roster } from './presence/roster.ts'
import { type SubscriptionNews, Subscriptions } from './subscriptions.ts'

export interface ConnectionPorts {
  clock: Clock
  random: Random
  bus: Bus
  feeds: FeedHub
  roster: Roster
  verifyToken: VerifyToken
  metrics: Metrics
  log: Log
  settings: ConnectionSettings
  /** Whether who this is was removed, for all that is known. */
  isRevoked(being: BeingId): boolean
  nextWatcherId(): number
  closed(connection: Connection): void
}

export interface ConnectionSettings {
  session: SessionSettings
  sendBudget: SendBudgetSettings
  maxFrameBytes: number
}

export class Connection implements ClientHandlers {
  readonly #ports: ConnectionPorts
  readonly #outbox: Outbox
  readonly #subscriptions: Subscriptions
  readonly #events: EventQueue<SessionEvent>
  #state: SessionState
  #timer: Cancel | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(session: string, socket: ClientSocket, ports: ConnectionPorts) {
    this.#ports = ports
    this.#events = new EventQueue(
      (event) => this.#step(event),
      () => this.#sleep(),
    )
    this.#outbox = new Outbox(socket, ports.clock, ports.settings.sendBudget, () => {
      ports.metrics.slowReaders.inc()
      this.#dispatch({ type: 'fellBehind' })
    })
    const happened = (news: SubscriptionNews): void => this.#subscriptionChanged(news)
    this.#subscriptions = new Subscriptions({ ...ports, outbox: this.#outbox, happened })
    this.#state = openSession(session, ports.clock.now(), ports.settings.session)
    this.#sleep()
  }

  get status(): SessionState['status'] {
    return this.#state.status
  }

  /** Who it is, as soon as that is known. */
  get being(): BeingId | undefined {
    return 'being' in this.#state ? this.#state.being : undefined
  }

  textReceived(text: string): void {
    const { maxFrameBytes } = this.#ports.settings
    let start = 0
    while (start <= text.length && this.#state.status !== 'closed') {
      const end = text.indexOf('\n', start)
      const line = end < 0 ? text.slice(start) : text.slice(start, end)
      start = end < 0 ? text.length + 1 : end + 1
      if (line.length * 3 > maxFrameBytes && Buffer.byteLength(line) > maxFrameBytes)
        this.#dispatch({ type: 'oversizedReceived' })
      else this.#lineReceived(line)
    }
  }

  binaryReceived(): void {
    this.#dispatch({ type: 'malformedReceived', problem: 'a binary message' })
  }

  drained(): void {
    if (this.#outbox.drained()) this.#subscriptions.drained()
  }

  closed(): void {
    this.#outbox.forget()
    this.#dispatch({ type: 'socketClosed' })
  }

  /** Says goodbye now and closes later. */
  drain({ reconnectAfterMs, closeAfterMs }: Leave): void {
    const closeAt = this.#ports.clock.now() + closeAfterMs
    this.#dispatch({ type: 'drainStarted', reconnectAfterMs, closeAt })
  }

  /** Who this is was removed. */
  revoke(): void {
    this.#dispatch({ type: 'beingRevoked' })
  }

  #lineReceived(line: string): void {
    for (const parsed of parseClientMessage(line)) {
      const { metrics } = this.#ports
      if (!parsed.ok) {
        metrics.framesIn.inc({ type: 'malformed' })
        const where = parsed.path === undefined ? '' : ` at ${parsed.path}`
        this.#dispatch({ type: 'malformedReceived', problem: `${parsed.problem}${where}` })
      } else if (parsed.value.type === 'ignored') {
        metrics.framesIn.inc({ type: 'unknown' })
        this.#dispatch({ type: 'unknownReceived' })
      } else {
        metrics.framesIn.inc({ type: parsed.value.type })
        this.#dispatch({ type: 'frameReceived', frame: parsed.value })
      }
    }
  }

  #dispatch(event: SessionEvent): void {
    this.#events.push(event)
  }

  #step(event: SessionEvent): void {
    const wasOpen = this.#state.status !== 'closed'
    const { state, effects } = stepSession(this.#state, event, this.#ports.clock.now(), this.#ports.settings.session)
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
    if (wasOpen && state.status === 'closed') this.#ports.closed(this)
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.type) {
      case 'sendFrame':
        this.#outbox.send(encodeFrame(effect.frame))
        return
      case 'closeSocket':
        this.#close(effect.close)
        return
      case 'verifyToken':
        this.#verify(effect)
        return
      case 'watch':
        this.#subscriptions.watch(effect.space, effect.being, effect.position, effect.present)
        return
      case 'unwatch':
        this.#subscriptions.unwatch(effect.space)
        return
      case 'setPresence':
        this.#setPresence(effect)
        return
      case 'publishSignal':
        this.#ports.metrics.signals.inc()
        this.#ports.bus.publish(effect.space, encodeSignalMessage(effect.space, effect.being, effect.name, effect.data))
        return
      case 'sendHeartbeat':
        this.#sendHeartbeat(effect.spaces)
        return
      default:
        effect satisfies never
    }
  }

  #verify({ purpose, token }: Extract<SessionEffect, { type: 'verifyToken' }>): void {
    this.#ports.verifyToken(token).then(
      (outcome) => {
        if (!outcome.ok) return this.#dispatch({ type: 'tokenRefused', reason: outcome.reason })
        const { being, expiresAt } = outcome
        if (this.#ports.isRevoked(being)) return this.#dispatch({ type: 'tokenRefused', reason: 'revoked' })
        return this.#dispatch({ type: 'tokenVerified', purpose, being, expiresAt, spread: this.#ports.random() })
      },
      (error: unknown) => {
        this.#ports.log.error({ error }, 'verifying a token failed')
        this.#dispatch({ type: 'tokenRefused', reason: 'invalid' })
      },
    )
  }

  #setPresence({ space, being, state }: Extract<SessionEffect, { type: 'setPresence' }>): void {
    const presence = this.#subscriptions.get(space)?.presence
    if (presence !== undefined) {
      this.#ports.roster.stateSet(space, presence, being, state)
      return
    }
    const message = 'Subscribe with present to be here'
    const frame: ServerFrame = { type: 'error', code: 'not-subscribed', message, space }
    this.#outbox.send(encodeFrame(frame))
  }

  #subscriptionChanged(news: SubscriptionNews): void {
    if (news.type === 'subscriptionEnded') this.#ports.metrics.evictions.inc({ code: news.code })
    this.#dispatch(news)
  }

  #sendHeartbeat(spaces: readonly SpaceId[]): void {
    const heads: Record<SpaceId, number> = {}
    for (const space of spaces) {
      const isFollowing = this.#subscriptions.get(space)?.isFollowing === true
      const version = isFollowing ? this.#ports.feeds.sentVersion(space) : undefined
      if (version !== undefined) heads[space] = version
    }
    const frame: ServerFrame = { type: 'heartbeat', at: this.#ports.clock.now(), heads }
    this.#outbox.send(encodeFrame(frame))
  }

  #close(name: CloseName): void {
    if (!this.#outbox.isOpen) return
    const { code, reason } = CLOSE[name]
    this.#ports.metrics.closes.inc({ code: String(code) })
    this.#outbox.close(code, reason)
  }

  /** Keeps the timer that stands if it fires soon enough: it is looked at again when it does. */
  #sleep(): void {
    if (this.#state.status === 'closed') {
      this.#timer?.()
      return
    }
    const { clock } = this.#ports
    const wakesAt = Math.min(
      sessionWakesAt(this.#state) ?? Number.POSITIVE_INFINITY,
      this.#outbox.wakesAt ?? Number.POSITIVE_INFINITY,
    )
    if (wakesAt >= this.#timerAt || wakesAt === Number.POSITIVE_INFINITY) return
    this.#timer?.()
    this.#timerAt = wakesAt
    this.#timer = clock.after(Math.max(0, wakesAt - clock.now()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      this.#outbox.ticked()
      this.#dispatch({ type: 'ticked' })
    })
  }
}
