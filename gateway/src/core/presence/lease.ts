/**
 * Whether this gateway lives, as Redis sees it, and which of the others do.
 *
 *   starting ── lease taken and bus joined ──► up ── bus lost · Redis fails ──► down
 *                                              ▲                                 │ both are back
 *                                              └──────── a while later ── recovering
 *
 * Each heartbeat renews the lease and asks how long those of the others last; the next follows after a third of the
 * lease, or when the first of those would run out. One that finds the own lease gone takes another boot id: others may
 * remove what was written under the former.
 *
 * This is the one place that doubts. Where Redis forgot our lease it may have forgotten those of others, for one lease
 * time. While `recovering` it may have gone back in time (a replica that lagged), and all are about to say again who is
 * here through them.
 */
import { type Machine, type Moment, type Step, stay } from '@rhizom/machine'
import type { BootId } from '@rhizom/protocol'

/** A gateway, as the others know it: the name it has, and those it had. */
export interface GatewayIdentity {
  bootId: BootId
  previousBootIds: readonly BootId[]
}

export interface LeaseSettings {
  leaseMs: number
  /** Pause after a heartbeat that failed. */
  retryMs: number
}

/**
 * What is proven by what is missing in Redis, the least first: nothing; by an entry that somebody is not here through a
 * gateway that lives; by a lease as well that its gateway is no more.
 */
const TRUSTS = ['nothing', 'entries', 'leases'] as const
export type Trust = (typeof TRUSTS)[number]

export const leastOf = (...trusts: Trust[]): Trust => TRUSTS.find((trust) => trusts.includes(trust)) ?? 'nothing'

export interface LeaseState {
  identity: GatewayIdentity
  /** Until `othersTrustedAtMs` it proves nothing that the lease of another is missing. */
  lease: { status: 'wanted' | 'held'; othersTrustedAtMs: number }
  bus: 'up' | 'down'
  link: { status: 'starting' | 'up' | 'down' } | { status: 'recovering'; untilMs: number }
  heartbeat: { status: 'idle'; dueAtMs: number } | { status: 'underway'; again: boolean }
}

export type LeaseEvent =
  /** What was asked of Redis was not done. */
  | { type: 'busLost' | 'busRecovered' | 'storeFailed' | 'heartbeatFailed' }
  /** The connection is there, or something is to be known before the next heartbeat. */
  | { type: 'heartbeatWanted' }
  /** `ttlMs` has those of the others that have a lease; `nextBootId` is a name nobody had before. */
  | {
      type: 'heartbeatDone'
      renewed: boolean
      asked: readonly BootId[]
      ttlMs: ReadonlyMap<BootId, number>
      nextBootId: BootId
    }

export type LeaseEffect =
  /** `doubtfulUntil` is a date. */
  | { type: 'heartbeat'; identity: GatewayIdentity; isNew: boolean; ttlMs: number; doubtfulUntil: number | undefined }
  | LinkChange

/** What every roster is told. */
export type LinkChange =
  /** Redis is there, and the lease is ours; or not. */
  /** `isRecovering`: others may come back later, and `trustRestored` follows. */
  | { type: 'linkFound'; identity: GatewayIdentity; isRecovering: boolean }
  | { type: 'linkLost' }
  /** What a read that begins from now on lacks is not there. */
  | { type: 'trustRestored' }
  | { type: 'gatewaysGone'; boots: readonly BootId[] }

type LeaseStep = Step<LeaseState, LeaseEffect>

/** Of `leaseMs`, so that all notice a crash within it. */
const KEY_SHARE = 0.9
/** Redis removes a key a moment after its time. */
const EXPIRY_MARGIN_MS = 15
const MAX_PREVIOUS = 8
/** Within this of its return all gateways are at Redis again, and have said who is here through them. */
const SAID_AGAIN_MS = 1500

export const heartbeatEveryMs = ({ leaseMs }: LeaseSettings): number => Math.floor(leaseMs / 3)

export const startLease = (bootId: BootId, nowMs: number, { retryMs }: LeaseSettings): LeaseState => ({
  identity: { bootId, previousBootIds: [] },
  lease: { status: 'wanted', othersTrustedAtMs: nowMs },
  bus: 'down',
  link: { status: 'starting' },
  heartbeat: { status: 'idle', dueAtMs: nowMs + retryMs },
})

export const isLinkUp = ({ link }: LeaseState): boolean => link.status === 'up' || link.status === 'recovering'

export function trustOf({ lease, link }: LeaseState, nowMs: number): Trust {
  if (link.status === 'recovering' && link.untilMs > nowMs) return 'nothing'
  return lease.status === 'held' && lease.othersTrustedAtMs <= nowMs ? 'leases' : 'entries'
}

export const leaseMachine = (settings: LeaseSettings): Machine<LeaseState, LeaseEvent, LeaseEffect> => ({
  wakesAtMs: ({ heartbeat }) => (heartbeat.status === 'idle' ? heartbeat.dueAtMs : undefined),
  step(state, event, at) {
    switch (event.type) {
      case 'timePassed':
        return heartbeatIfDue(state, at, settings)
      case 'busLost':
        return lost({ ...state, bus: 'down' })
      case 'busRecovered':
        return heartbeatIfDue(wantHeartbeat({ ...state, bus: 'up' }, at.nowMs), at, settings)
      case 'heartbeatWanted':
        return heartbeatIfDue(wantHeartbeat(state, at.nowMs), at, settings)
      case 'storeFailed':
        return lost(wantHeartbeat(state, at.nowMs + settings.retryMs))
      case 'heartbeatFailed':
        return lost({ ...state, heartbeat: { status: 'idle', dueAtMs: at.nowMs + settings.retryMs } })
      case 'heartbeatDone':
        return event.renewed ? renewed(state, event, at, settings) : takeNextName(state, event.nextBootId, at, settings)
      default:
        event satisfies never
        return stay(state)
    }
  },
})

/** A heartbeat under way may be older than what is wanted, so another follows it. */
function wantHeartbeat(state: LeaseState, dueAtMs: number): LeaseState {
  const { heartbeat } = state
  if (heartbeat.status === 'underway') return { ...state, heartbeat: { ...heartbeat, again: true } }
  return { ...state, heartbeat: { status: 'idle', dueAtMs: Math.min(dueAtMs, heartbeat.dueAtMs) } }
}

function heartbeatIfDue(state: LeaseState, { nowMs, dateMs }: Moment, { leaseMs }: LeaseSettings): LeaseStep {
  const { identity, lease, heartbeat } = state
  if (heartbeat.status !== 'idle' || heartbeat.dueAtMs > nowMs) return stay(state)
  const isNew = lease.status === 'wanted'
  // Where a lease was lost those of others may be as well.
  const isDoubtful = isNew && identity.previousBootIds.length > 0
  const othersTrustedAtMs = isDoubtful ? nowMs + leaseMs : lease.othersTrustedAtMs
  const doubtfulUntil = othersTrustedAtMs > nowMs ? dateMs + othersTrustedAtMs - nowMs : undefined
  return {
    state: { ...state, lease: { ...lease, othersTrustedAtMs }, heartbeat: { status: 'underway', again: false } },
    effects: [{ type: 'heartbeat', identity, isNew, ttlMs: Math.floor(leaseMs * KEY_SHARE), doubtfulUntil }],
  }
}

const lost = (state: LeaseState): LeaseStep =>
  isLinkUp(state) ? { state: { ...state, link: { status: 'down' } }, effects: [{ type: 'linkLost' }] } : stay(state)

function takeNextName(state: LeaseState, nextBootId: BootId, at: Moment, settings: LeaseSettings): LeaseStep {
  const { bootId, previousBootIds } = state.identity
  const identity = { bootId: nextBootId, previousBootIds: [bootId, ...previousBootIds].slice(0, MAX_PREVIOUS) }
  const heartbeat = { status: 'idle', dueAtMs: at.nowMs } as const
  return heartbeatIfDue({ ...state, identity, lease: { ...state.lease, status: 'wanted' }, heartbeat }, at, settings)
}

function renewed(
  state: LeaseState,
  { asked, ttlMs }: Extract<LeaseEvent, { type: 'heartbeatDone' }>,
  at: Moment,
  settings: LeaseSettings,
): LeaseStep {
  const { nowMs } = at
  const { identity, lease, link: before, heartbeat } = state
  const isFound = state.bus === 'up' && (lease.status === 'wanted' || !isLinkUp(state))
  const link = isFound ? found(before, nowMs) : recovered(before, nowMs)
  const next: LeaseState = { ...state, link, lease: { ...lease, status: 'held' } }

  const effects: LeaseEffect[] = []
  if (isFound) effects.push({ type: 'linkFound', identity, isRecovering: link.status === 'recovering' })
  else if (link !== before) effects.push({ type: 'trustRestored' })
  const boots = asked.filter((boot) => !ttlMs.has(boot))
  if (boots.length > 0 && trustOf(next, nowMs) === 'leases') effects.push({ type: 'gatewaysGone', boots })

  const dueInMs = [heartbeatEveryMs(settings), Math.max(1, Math.min(...ttlMs.values()) + EXPIRY_MARGIN_MS)]
  if (lease.othersTrustedAtMs > nowMs) dueInMs.push(lease.othersTrustedAtMs - nowMs)
  if (link.status === 'recovering') dueInMs.push(link.untilMs - nowMs)
  const isAgain = heartbeat.status === 'underway' && heartbeat.again
  const dueAtMs = nowMs + (isAgain ? 0 : Math.min(...dueInMs))
  const step = heartbeatIfDue({ ...next, heartbeat: { status: 'idle', dueAtMs } }, at, settings)
  return { state: step.state, effects: [...effects, ...step.effects] }
}

/** A gateway that starts has nothing to doubt. */
const found = (link: LeaseState['link'], nowMs: number): LeaseState['link'] =>
  link.status === 'starting' ? { status: 'up' } : { status: 'recovering', untilMs: nowMs + SAID_AGAIN_MS }

const recovered = (link: LeaseState['link'], nowMs: number): LeaseState['link'] =>
  link.status === 'recovering' && link.untilMs <= nowMs ? { status: 'up' } : link
