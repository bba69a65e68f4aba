/**
 * Runs the connection machine (core/connection/machine.ts) of one client: cuts what it says into lines, carries out effects, keeps
 * its subscriptions. Bytes leave through its outbox, and `#close` is the only way it ends.
 *
 * Everything that comes in from outside comes through `#guard`: what is thrown while this client is served closes this
 * client and reaches nobody else, neither those who share a feed with it nor the process.
 */
import {
  type BeingId,
  CLOSE,
  type CloseName,
  encodeFrame,
  encodeSignalMessage,
  type ServerFrame,
  type SpaceId,
} from '@rhizom/protocol'
import type { Leave } from '../core/connection/drain.ts'
import type { SendBudgetSettings } from '../core/connection/send-budget.ts'
import { openConnection, connectionWakesAtMs, stepConnection } from '../core/connection/machine.ts'
import type { ConnectionEffect, ConnectionEvent, ConnectionLimits, ConnectionState } from '../core/connection/state.ts'
import { EventQueue } from '../event-queue.ts'
import type { Spaces } from '../space/spaces.ts'
import type { Metrics } from '../observe.ts'
import { Outbox } from './outbox.ts'
import type { Cancel, Clock, Random } from '@rhizom/machine'
import type { Bus, ClientHandlers, ClientSocket, Log, VerifyToken } from '../ports.ts'
import type { Presence } from '../presence/port.ts'
import { type SubscriptionNews, Subscriptions } from './subscriptions.ts'
import type { Wall } from '../wall.ts'

export interface ConnectionPorts {
  clock: Clock
  random: Random
  bus: Bus
  feeds: Spaces
  presence: Presence
  verifyToken: VerifyToken
  metrics: Metrics
  log: Log
  wall: Wall
  settings: ConnectionSettings
  /** Whether who this is was removed, for all that is known. */
  isRevoked(being: BeingId): boolean
  nextWatcherId(): number
  closed(connection: Connection): void
}

export interface ConnectionSettings {
  limits: ConnectionLimits
  sendBudget: SendBudgetSettings
}

export class Connection implements ClientHandlers {
  readonly #ports: ConnectionPorts
  readonly #outbox: Outbox
  readonly #subscriptions: Subscriptions
  readonly #events: EventQueue<ConnectionEvent>
  #state: ConnectionState
  #timer: Cancel | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(id: string, socket: ClientSocket, ports: ConnectionPorts) {
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
    const guard = <T>(run: () => T, otherwise: T): T => this.#guard(run, otherwise)
    this.#subscriptions = new Subscriptions({ ...ports, outbox: this.#outbox, happened, guard })
    this.#state = openConnection(id, ports.clock.nowMs(), ports.settings.limits)
    this.#sleep()
  }

  get status(): ConnectionState['status'] {
    return this.#state.status
  }

  /** Who it is, as soon as that is known. */
  get being(): BeingId | undefined {
    return 'being' in this.#state ? this.#state.being : undefined
  }

  /** Lines are cut off one by one, so that a message of nothing but line ends is given up as soon as it is too much. */
  textReceived(text: string): void {
    let start = 0
    do {
      const end = text.indexOf('\n', start)
      const line = end < 0 ? text.slice(start) : text.slice(start, end)
      this.#dispatch({ type: 'lineReceived', line, bytes: Buffer.byteLength(line) })
      start = end < 0 ? text.length : end + 1
    } while (start < text.length && this.#state.status !== 'closed')
  }

  binaryReceived(): void {
    this.#dispatch({ type: 'binaryReceived' })
  }

  controlReceived(): void {
    this.#dispatch({ type: 'controlReceived' })
  }

  drained(): void {
    this.#guard(() => {
      if (this.#outbox.drained()) this.#subscriptions.drained()
    }, undefined)
  }

  closed(): void {
    this.#outbox.forget()
    this.#dispatch({ type: 'socketClosed' })
  }

  /** Says goodbye now and closes later. */
  drain({ reconnectAfterMs, closeAfterMs }: Leave): void {
    const closeAt = this.#ports.clock.nowMs() + closeAfterMs
    this.#dispatch({ type: 'drainStarted', reconnectAfterMs, closeAt })
  }

  /** Who this is was removed. */
  revoke(): void {
    this.#dispatch({ type: 'beingRevoked' })
  }

  #dispatch(event: ConnectionEvent): void {
    this.#guard(() => this.#events.push(event), undefined)
  }

  #guard<T>(run: () => T, otherwise: T): T {
    try {
      return run()
    } catch (error) {
      this.#faulted(error)
      return otherwise
    }
  }

  /** The machine is not asked any more: it may be what failed, or its effects may be half carried out. */
  #faulted(error: unknown): void {
    const { wall, closed } = this.#ports
    wall.report('connection', error, { connection: this.#state.id, being: this.being })
    this.#state = { status: 'closed', id: this.#state.id }
    wall.around(
      'connection',
      () => this.#subscriptions.clear(),
      () => undefined,
    )
    wall.around(
      'connection',
      () => this.#close('notUnderstood'),
      () => this.#outbox.forget(),
    )
    closed(this)
  }

  #step(event: ConnectionEvent): void {
    const wasOpen = this.#state.status !== 'closed'
    const { state, effects } = stepConnection(
      this.#state,
      event,
      this.#ports.clock.nowMs(),
      this.#ports.settings.limits,
    )
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
    if (wasOpen && state.status === 'closed') this.#ports.closed(this)
  }

  #carryOut(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'sendFrame':
        this.#outbox.send(encodeFrame(effect.frame))
        return
      case 'closeSocket':
        this.#close(effect.close)
        return
      case 'countFrame':
        this.#ports.metrics.framesIn.inc({ type: effect.frame })
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

  #verify({ purpose, token }: Extract<ConnectionEffect, { type: 'verifyToken' }>): void {
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

  #setPresence({ space, state }: Extract<ConnectionEffect, { type: 'setPresence' }>): void {
    if (this.#subscriptions.setState(space, state)) return
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
    const frame: ServerFrame = { type: 'heartbeat', at: this.#ports.clock.dateMs(), heads }
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
      connectionWakesAtMs(this.#state) ?? Number.POSITIVE_INFINITY,
      this.#outbox.wakesAt ?? Number.POSITIVE_INFINITY,
    )
    if (wakesAt >= this.#timerAt || wakesAt === Number.POSITIVE_INFINITY) return
    this.#timer?.()
    this.#timerAt = wakesAt
    this.#timer = clock.after(Math.max(0, wakesAt - clock.nowMs()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      this.#outbox.ticked()
      this.#dispatch({ type: 'ticked' })
    })
  }
}
