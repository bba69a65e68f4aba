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
  type Position,
  type ServerFrame,
  type SpaceId,
} from '@rhizom/protocol'
import type { Leave } from './core/drain.ts'
import type { SendBudgetSettings } from './core/send-budget.ts'
import { openSession, sessionWakesAt, stepSession } from './core/session.ts'
import type { SessionEffect, SessionEvent, SessionSettings, SessionState } from './core/session-state.ts'
import type { FeedHub } from './feed/feed-hub.ts'
import type { Watcher } from './feed/space-feed.ts'
import type { Metrics } from './observe.ts'
import { Outbox } from './outbox.ts'
import type { Bus, Cancel, ClientHandlers, ClientSocket, Clock, Log, Random, VerifyToken } from './ports.ts'
import type { Roster } from './presence/roster.ts'

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
  nextWatcherId(): number
  closed(connection: Connection): void
}

export interface ConnectionSettings {
  session: SessionSettings
  sendBudget: SendBudgetSettings
  maxFrameBytes: number
}

interface Subscription extends Watcher {
  /** Where to ask again from, if the answer could not be taken. */
  position: Position | undefined
  /** Answered, and sent everything since: not so while an answer waits for what lies unsent to drain. */
  isFollowing: boolean
}

export class Connection implements ClientHandlers {
  readonly #ports: ConnectionPorts
  readonly #outbox: Outbox
  readonly #subscriptions = new Map<SpaceId, Subscription>()
  /** Asked for while too much lay unsent; they are asked for when it has drained. */
  readonly #deferred = new Set<SpaceId>()
  readonly #queue: SessionEvent[] = []
  /** Names this connection to the roster, whatever it subscribes to and how often. */
  readonly #presence: number
  #state: SessionState
  #isStepping = false
  #timer: Cancel | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(session: string, socket: ClientSocket, ports: ConnectionPorts) {
    this.#ports = ports
    this.#presence = ports.nextWatcherId()
    this.#outbox = new Outbox(socket, ports.clock, ports.settings.sendBudget, () => {
      ports.metrics.slowReaders.inc()
      this.#dispatch({ type: 'fellBehind' })
    })
    this.#state = openSession(session, ports.clock.now(), ports.settings.session)
    this.#sleep()
  }

  get status(): SessionState['status'] {
    return this.#state.status
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
    if (this.#outbox.drained()) for (const space of [...this.#deferred]) this.#askAgain(space)
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
    this.#queue.push(event)
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#step(next)
    } finally {
      this.#isStepping = false
    }
    this.#sleep()
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
        this.#watch(effect)
        return
      case 'unwatch':
        this.#unwatch(effect.space)
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

  #watch({ space, being, position, present }: Extract<SessionEffect, { type: 'watch' }>): void {
    this.#unwatch(space)
    this.#subscriptions.set(space, this.#subscription(space, being, position, present))
    this.#ask(space)
  }

  #subscription(space: SpaceId, being: BeingId, position: Position | undefined, present: boolean): Subscription {
    const { metrics, roster, nextWatcherId } = this.#ports
    const id = nextWatcherId()
    const presence = present ? this.#presence : undefined
    const isCurrent = (): boolean => this.#subscriptions.get(space)?.id === id
    const subscription: Subscription = {
      id,
      being,
      presence,
      position,
      isFollowing: false,
      answer: (message) => {
        subscription.isFollowing = isCurrent() && this.#outbox.sendAnswer(message)
        if (!subscription.isFollowing) {
          if (isCurrent() && this.#outbox.isOpen) this.#deferred.add(space)
          return false
        }
        subscription.position = undefined
        this.#dispatch({ type: 'subscriptionAnswered', space })
        return this.#outbox.isOpen
      },
      live: (batch) => this.#outbox.sendLive(batch),
      refused: (code, retryAfterMs) => {
        if (!isCurrent()) return
        this.#subscriptions.delete(space)
        this.#dispatch({ type: 'subscriptionRefused', space, code, retryAfterMs })
      },
      ended: (code) => {
        metrics.evictions.inc({ code })
        if (!isCurrent()) return
        this.#subscriptions.delete(space)
        if (presence !== undefined) roster.ended(space, presence)
        this.#dispatch({ type: 'subscriptionEnded', space, code })
      },
    }
    return subscription
  }

  #ask(space: SpaceId): void {
    const subscription = this.#subscriptions.get(space)
    if (subscription === undefined) return
    if (this.#outbox.isFull()) this.#deferred.add(space)
    else this.#ports.feeds.watch(space, subscription, subscription.position)
  }

  #askAgain(space: SpaceId): void {
    this.#deferred.delete(space)
    this.#ask(space)
  }

  #unwatch(space: SpaceId): void {
    const subscription = this.#subscriptions.get(space)
    if (subscription === undefined) return
    this.#subscriptions.delete(space)
    this.#deferred.delete(space)
    if (subscription.presence !== undefined) this.#ports.roster.left(space, subscription.presence)
    this.#ports.feeds.unwatch(space, subscription.id)
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
