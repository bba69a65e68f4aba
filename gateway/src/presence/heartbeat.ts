/**
 * The heartbeat of this gateway: runs the lease machine (core/presence/lease.ts), sends what it asks for, and tells the
 * hub whether this gateway lives and which others do not any more.
 *
 * A heartbeat carries more than the lease: how far this gateway wrote lately (so that a lost hint shows), one space
 * whose entries are counted (so that a hash that Redis lost shows in the end), and hashes that are to live on. All of it
 * bounded, so that an idle heartbeat stays one.
 */
import { type Clock, type Random, Runner } from '@rhizom/machine'
import { ConditionLog } from '@rhizom/process'
import type { BootId, GatewayBeat, Position, Range, SpaceId } from '@rhizom/protocol'
import {
  type GatewayIdentity,
  heartbeatEveryMs,
  isLinkUp,
  type LeaseEffect,
  type LeaseEvent,
  leaseMachine,
  type LeaseSettings,
  type LeaseState,
  startLease,
  type Trust,
  trustOf,
} from '../core/presence/lease.ts'
import type { Roster } from '../core/presence/roster.ts'
import type { HeartbeatAnswer, Log, PresenceStore } from '../ports.ts'
import type { PresenceMetrics } from './metrics.ts'

/** The rosters of this gateway, by space. */
export type Rosters = ReadonlyMap<SpaceId, { readonly roster: Roster }>

export interface HeartbeatDeps {
  clock: Clock
  random: Random
  store: PresenceStore
  newBootId(): BootId
  metrics: PresenceMetrics
  log: Log
  settings: LeaseSettings
  rosters: Rosters
  linkFound(identity: GatewayIdentity): void
  linkLost(): void
  trustRestored(): void
  gatewaysGone(boots: readonly BootId[]): void
  /** What Redis holds of a space is not what it should hold. */
  readWanted(space: SpaceId): void
  faulted(error: unknown): void
}

/** A hash outlives the last gateway that knew it by no more than this. */
export const HASH_TTL_MS = 24 * 60 * 60 * 1000
const EXTEND_EVERY_MS = HASH_TTL_MS / 3
const MAX_EXTENDED = 100
/** Each write is told by this many heartbeats. */
const TOLD_BY = 3
const MAX_TOLD = 2000

export class Heartbeat {
  readonly payload: HeartbeatPayload
  readonly #deps: HeartbeatDeps
  readonly #runner: Runner<LeaseState, LeaseEvent, LeaseEffect>
  readonly #condition: ConditionLog
  /** Gateways that nobody has cleared up after. */
  #gateways: readonly BootId[] = []

  constructor(deps: HeartbeatDeps) {
    const { clock, random, log, settings, newBootId, faulted } = deps
    const whenGood = 'presence reaches Redis again'
    this.#condition = new ConditionLog({ name: 'presence', log, clock, whenGood, settleMs: 0 })
    this.#deps = deps
    this.payload = new HeartbeatPayload(settings)
    this.#runner = new Runner({
      machine: leaseMachine(settings),
      initial: startLease(newBootId(), clock.nowMs(), settings),
      clock,
      random,
      carryOut: (effect) => this.#carryOut(effect),
      faulted,
      changed: () => undefined,
    })
  }

  get identity(): GatewayIdentity {
    return this.#runner.state.identity
  }

  /** Whether Redis is there, and the lease is ours. */
  get isLinkUp(): boolean {
    return isLinkUp(this.#runner.state)
  }

  /** Whether it was there and is not now. */
  get isLinkDown(): boolean {
    return this.#runner.state.link.status === 'down'
  }

  get isHeld(): boolean {
    return this.#runner.state.lease === 'held'
  }

  /** What it proves now that something is missing in Redis. */
  get trust(): Trust {
    return trustOf(this.#runner.state, this.#deps.clock.nowMs())
  }

  start(): void {
    this.#deps.store.start({
      connected: () => this.dispatch({ type: 'heartbeatWanted' }),
      failed: (error) => this.#troubled(error),
    })
  }

  stop(): void {
    this.#runner.stop()
    this.#condition.stop()
  }

  /** Something that was asked of Redis was not done. */
  storeFailed(error: unknown): void {
    this.#troubled(error)
    this.dispatch({ type: 'storeFailed' })
  }

  dispatch(event: LeaseEvent): void {
    this.#runner.dispatch(event)
  }

  #carryOut(effect: LeaseEffect): void {
    const { linkFound, linkLost, trustRestored, gatewaysGone } = this.#deps
    switch (effect.type) {
      case 'heartbeat':
        this.#send(effect)
        return
      case 'linkFound':
        linkFound(effect.identity)
        // Found again it has to last before it counts, which the lease knows: `trustRestored`.
        if (this.#runner.state.link.status === 'up') this.#condition.good()
        return
      case 'linkLost':
        linkLost()
        return
      case 'trustRestored':
        trustRestored()
        this.#condition.good()
        return
      case 'gatewaysGone':
        gatewaysGone(effect.boots)
        return
      default:
        effect satisfies never
    }
  }

  #troubled(error: unknown): void {
    if (this.#runner.isStopped) return
    const reason = 'presence does not reach Redis: who is here is frozen'
    this.#condition.bad({ reason, problem: String(error) })
  }

  #send({ type: _type, ...lease }: Extract<LeaseEffect, { type: 'heartbeat' }>): void {
    const { clock, store, rosters, newBootId, metrics, readWanted, faulted } = this.#deps
    const { bootId } = lease.identity
    const nowMs = clock.nowMs()
    const counted = this.payload.nextToCount(rosters)
    const expected = counted?.entryCount
    const ofRosters = [...rosters.values()].flatMap(({ roster }) => roster.boots())
    const peers = [...new Set([...ofRosters, ...this.#gateways])].filter((boot) => boot !== bootId)
    const answered = ({ renewed, ttlMs, gateways, entryCount }: HeartbeatAnswer): void => {
      if (lease.isNew && renewed) metrics.leasesTaken.inc()
      // Unless what is expected changed while it was counted, the hash holds too many or too few.
      const isOff = entryCount !== undefined && entryCount !== expected && counted?.entryCount === expected
      if (counted !== undefined && isOff) readWanted(counted.space)
      this.#gateways = gateways
      this.dispatch({ type: 'heartbeatDone', renewed, asked: peers, ttlMs, nextBootId: newBootId() })
      // Whether those live that were not known of is not left open until the next.
      if (gateways.some((boot) => boot !== bootId && !peers.includes(boot))) this.dispatch({ type: 'heartbeatWanted' })
    }
    store
      .heartbeat({
        ...lease,
        at: clock.dateMs(),
        peers,
        announce: this.payload.announce(bootId, nowMs),
        countOf: expected === undefined ? undefined : counted?.space,
        extendTtlOf: this.payload.toExtend(rosters, nowMs),
      })
      .then(answered, (error: unknown) => {
        this.#troubled(error)
        this.dispatch({ type: 'heartbeatFailed' })
      })
      .catch(faulted)
  }
}

/** What a heartbeat carries beside the lease. */
export class HeartbeatPayload {
  readonly #toldForMs: number
  /** How far each space was written, under which name, and when; the latest last. */
  readonly #heads = new Map<SpaceId, { head: Position; atMs: number }>()
  readonly #extendedAtMs = new Map<SpaceId, number>()
  #toCount: SpaceId[] = []

  constructor(lease: LeaseSettings) {
    this.#toldForMs = heartbeatEveryMs(lease) * TOLD_BY
  }

  wrote(space: SpaceId, { epoch, to }: Range, atMs: number): void {
    this.#heads.delete(space)
    this.#heads.set(space, { head: { epoch, version: to }, atMs })
    if (!this.#extendedAtMs.has(space)) this.#extendedAtMs.set(space, atMs)
    const [oldest] = this.#heads.keys()
    if (this.#heads.size > MAX_TOLD && oldest !== undefined) this.#heads.delete(oldest)
  }

  forget(space: SpaceId): void {
    this.#extendedAtMs.delete(space)
  }

  /**
   * The heads of spaces written lately. The message names one boot id for all of them, so those of a former name are
   * left out: they would be looked for in vain.
   */
  announce(bootId: BootId, nowMs: number): GatewayBeat | undefined {
    for (const [space, { head, atMs }] of this.#heads)
      if (head.epoch !== bootId || atMs + this.#toldForMs < nowMs) this.#heads.delete(space)
    if (this.#heads.size === 0) return undefined
    const wrote = Object.fromEntries([...this.#heads].map(([space, { head }]) => [space, head.version] as const))
    return { bootId, wrote, stops: false }
  }

  /** One space after the other, one each time. */
  nextToCount(rosters: Rosters): Roster | undefined {
    // Many of those that were there when the round began may be gone.
    let next = this.#toCount.pop()
    while (next !== undefined && !rosters.has(next)) next = this.#toCount.pop()
    if (next === undefined) {
      this.#toCount = [...rosters.keys()]
      next = this.#toCount.pop()
    }
    return next === undefined ? undefined : rosters.get(next)?.roster
  }

  toExtend(rosters: Rosters, nowMs: number): SpaceId[] {
    const due: SpaceId[] = []
    for (const [space, atMs] of this.#extendedAtMs) {
      if (due.length >= MAX_EXTENDED) break
      if (atMs + EXTEND_EVERY_MS > nowMs) continue
      this.#extendedAtMs.set(space, nowMs)
      if ((rosters.get(space)?.roster.localCount ?? 0) > 0) due.push(space)
    }
    return due
  }
}
