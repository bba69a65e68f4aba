/**
 * The heartbeat of this gateway: runs the lease machine (core/presence/lease.ts) and sends what it asks for.
 *
 * A heartbeat carries more than the lease: how far this gateway wrote lately (so that a lost hint shows), one space
 * whose entries are counted (so that a hash that Redis lost shows in the end), and hashes that are to live on. All of
 * it bounded, so that an idle heartbeat stays one.
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
  type LinkChange,
  startLease,
  type Trust,
  trustOf,
} from '../core/presence/lease.ts'
import type { Roster, RosterEvent, RosterSettings } from '../core/presence/roster.ts'
import type { HeartbeatAnswer, Log, PresenceStore } from '../ports.ts'
import type { LastSeen } from './last-seen.ts'
import type { PresenceMetrics } from './metrics.ts'

/** What all parts of presence are given. */
export interface PresenceDeps {
  clock: Clock
  random: Random
  store: PresenceStore
  lastSeen: Pick<LastSeen, 'note' | 'flush' | 'stop'>
  /** A name no gateway had before. */
  newBootId(): BootId
  metrics: PresenceMetrics
  log: Log
  settings: { roster: RosterSettings; lease: LeaseSettings }
  /** A bug of ours was met, and ends here. */
  faulted(error: unknown): void
}

export interface HeldRoster {
  readonly roster: Roster
  dispatch(event: RosterEvent): void
}

/** The one whose turn was the longest ago comes first. */
export type Rosters = Map<SpaceId, HeldRoster>

export interface HeartbeatDeps extends PresenceDeps {
  rosters: Rosters
  carryOut(change: LinkChange): void
}

/** For those who ask Redis while the link is up. */
export interface LinkedDeps extends PresenceDeps {
  heartbeat: Heartbeat
}

/** A hash outlives the last gateway that knew it by no more than this. */
export const HASH_TTL_MS = 24 * 60 * 60 * 1000
/** Heartbeats in which each roster has its turn: far fewer than there are in the life of a hash. */
const ROUND = 1000
/** Each write is told by this many heartbeats. */
const TOLD_BY = 3
const MAX_TOLD = 2000

export class Heartbeat {
  readonly writes: RecentWrites
  readonly #deps: HeartbeatDeps
  readonly #runner: Runner<LeaseState, LeaseEvent, LeaseEffect>
  readonly #condition: ConditionLog
  /** Gateways that nobody has cleared up after. */
  #gateways: readonly BootId[] = []

  constructor(deps: HeartbeatDeps) {
    const { clock, log, newBootId } = deps
    const { lease } = deps.settings
    const whenGood = 'presence reaches Redis again'
    this.#deps = deps
    this.#condition = new ConditionLog({ name: 'presence', log, clock, whenGood, settleMs: 0 })
    this.writes = new RecentWrites(lease)
    this.#runner = new Runner({
      ...deps,
      machine: leaseMachine(lease),
      initial: startLease(newBootId(), clock.nowMs(), lease),
      carryOut: (effect) => this.#carryOut(effect),
      changed: () => undefined,
    })
  }

  get state(): LeaseState {
    return this.#runner.state
  }

  get identity(): GatewayIdentity {
    return this.state.identity
  }

  get isLinkUp(): boolean {
    return isLinkUp(this.state)
  }

  get trust(): Trust {
    return trustOf(this.state, this.#deps.clock.nowMs())
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

  /** What is asked of Redis and not answered costs the link, until a heartbeat is answered again. */
  expect<Answer>(asked: Promise<Answer>, answered: (answer: Answer) => void): void {
    const failed = (error: unknown): void => {
      this.#troubled(error)
      this.dispatch({ type: 'storeFailed' })
    }
    asked.then(answered, failed).catch(this.#deps.faulted)
  }

  dispatch(event: LeaseEvent): void {
    this.#runner.dispatch(event)
  }

  #carryOut(effect: LeaseEffect): void {
    if (effect.type === 'heartbeat') return this.#send(effect)
    this.#deps.carryOut(effect)
    // Found again it has to last before it counts: whatever fails at once would be said each time.
    const isWell = effect.type === 'trustRestored' || (effect.type === 'linkFound' && this.state.link.status === 'up')
    if (isWell) this.#condition.good()
  }

  #troubled(error: unknown): void {
    const reason = 'presence does not reach Redis: who is here is frozen'
    if (!this.#runner.isStopped) this.#condition.bad({ reason, problem: String(error) })
  }

  #send({ type: _type, ...lease }: Extract<LeaseEffect, { type: 'heartbeat' }>): void {
    const { clock, store, rosters, newBootId, metrics, faulted } = this.#deps
    const { bootId } = lease.identity
    const turn = takeTurn(rosters)
    const [counted] = turn
    const expected = counted?.roster.entryCount
    const ofRosters = [...rosters.values()].flatMap(({ roster }) => roster.remote.boots())
    const peers = [...new Set([...ofRosters, ...this.#gateways])].filter((boot) => boot !== bootId)
    const answered = ({ renewed, ttlMs, gateways, entryCount }: HeartbeatAnswer): void => {
      if (lease.isNew && renewed) metrics.leasesTaken.inc()
      // Unless what is expected changed while it was counted, the hash holds too many or too few.
      const isOff = entryCount !== undefined && entryCount !== expected && counted?.roster.entryCount === expected
      if (isOff) counted?.dispatch({ type: 'readWanted' })
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
        announce: this.writes.announce(bootId, clock.nowMs()),
        countOf: expected === undefined ? undefined : counted?.roster.space,
        // They do not live on by themselves.
        extendTtlOf: turn.flatMap(({ roster }) => (roster.local.count > 0 ? [roster.space] : [])),
      })
      .then(answered, (error: unknown) => {
        this.#troubled(error)
        this.dispatch({ type: 'heartbeatFailed' })
      })
      .catch(faulted)
  }
}

/** Rosters to look after with this heartbeat; they go to the end. */
export function takeTurn(rosters: Rosters): HeldRoster[] {
  const turn = [...rosters].slice(0, Math.ceil(rosters.size / ROUND))
  for (const [space, one] of turn) {
    rosters.delete(space)
    rosters.set(space, one)
  }
  return turn.map(([, one]) => one)
}

/** How far each space was written lately. */
export class RecentWrites {
  readonly #toldForMs: number
  /** Under which name, and when; the latest last. */
  readonly #heads = new Map<SpaceId, { head: Position<BootId>; atMs: number }>()

  constructor(lease: LeaseSettings) {
    this.#toldForMs = heartbeatEveryMs(lease) * TOLD_BY
  }

  add(space: SpaceId, { epoch, to }: Range<BootId>, atMs: number): void {
    this.#heads.delete(space)
    this.#heads.set(space, { head: { epoch, version: to }, atMs })
    const [oldest] = this.#heads.keys()
    if (this.#heads.size > MAX_TOLD && oldest !== undefined) this.#heads.delete(oldest)
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
}
