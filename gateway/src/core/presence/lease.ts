/**
 * Whether this gateway lives, as Redis sees it, and which of the others do.
 *
 *   starting ── lease taken and bus joined ──► up ── bus lost · Redis fails ──► down
 *                                              ▲                                 │ both are back
 *                                              └── all had time to say again ── recovering
 *
 * One heartbeat serves everything: it renews the lease, learns how long those that matter last, and is followed by the
 * next after a third of the lease, or when the first of those would run out. The key lives a little shorter than
 * `leaseMs`, so that all have noticed a crash within `leaseMs`. All of this goes by `nowMs`: a date that is set to and
 * fro neither stops a heartbeat nor ends a lease.
 *
 * A heartbeat that finds the own lease gone (suspended for too long, Redis restarted empty) takes a new boot id: others
 * may have removed what was written under the former, and what they remove belongs to it alone. Where Redis forgot one
 * lease it may have forgotten all, so for one lease time a missing one proves nothing: its owner may be about to come
 * back. Right after Redis is back, whatever is missing there proves nothing: what it holds may be older than what it
 * held (a replica that lagged), and all gateways are about to say again who is here through them. This is the only
 * place where gateways are doubted; rosters are given `Trust` with what they read, and told when it is restored.
 */
import type { Machine, Moment, Step } from '@rhizom/machine'
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

/** What it proves that something is missing in Redis. */
export interface Trust {
  /** That its gateway is no more. */
  leases: boolean
  /** That somebody is not here through a gateway whose lease stands. */
  entries: boolean
}

export type Link = { status: 'starting' | 'down' | 'up' } | { status: 'recovering'; untilMs: number }

export interface LeaseState {
  identity: GatewayIdentity
  link: Link
  bus: 'up' | 'down'
  /** `wanted`: it is to be taken anew. */
  lease: 'wanted' | 'held'
  heartbeat: { status: 'idle'; dueAtMs: number } | { status: 'underway'; again: boolean }
  /** A lease time after our own was lost. */
  leasesTrustedAtMs: number
}

export type LeaseEvent =
  | { type: 'busLost' }
  | { type: 'busRecovered' }
  /** The connection is there, or something is to be known before the next heartbeat. */
  | { type: 'heartbeatWanted' }
  | { type: 'storeFailed' }
  | { type: 'heartbeatFailed' }
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
  | { type: 'linkFound'; identity: GatewayIdentity }
  | { type: 'linkLost' }
  /** What a read that begins from now on lacks is not there. */
  | { type: 'trustRestored' }
  | { type: 'gatewaysGone'; boots: readonly BootId[] }

export type LeaseMachine = Machine<LeaseState, LeaseEvent, LeaseEffect>
type LeaseStep = Step<LeaseState, LeaseEffect>

const KEY_SHARE = 0.9
/** Redis removes a key a moment after its time. */
const EXPIRY_MARGIN_MS = 15
const MAX_PREVIOUS = 8
/** Within this of its return all gateways are at Redis again, and have said who is here through them. */
const SAID_AGAIN_MS = 1500

export const heartbeatEveryMs = ({ leaseMs }: LeaseSettings): number => Math.floor(leaseMs / 3)

/** The first heartbeat follows the first connection. */
export const startLease = (bootId: BootId, nowMs: number, { retryMs }: LeaseSettings): LeaseState => ({
  identity: { bootId, previousBootIds: [] },
  link: { status: 'starting' },
  bus: 'down',
  lease: 'wanted',
  heartbeat: { status: 'idle', dueAtMs: nowMs + retryMs },
  leasesTrustedAtMs: nowMs,
})

export const isLinkUp = ({ link }: LeaseState): boolean => link.status === 'up' || link.status === 'recovering'

export function trustOf({ link, leasesTrustedAtMs }: LeaseState, nowMs: number): Trust {
  const entries = link.status !== 'recovering' || link.untilMs <= nowMs
  return { entries, leases: entries && leasesTrustedAtMs <= nowMs }
}

export const leaseMachine = (settings: LeaseSettings): LeaseMachine => ({
  wakesAtMs: ({ heartbeat }) => (heartbeat.status === 'idle' ? heartbeat.dueAtMs : undefined),
  step(state, event, at) {
    switch (event.type) {
      case 'timePassed':
        return heartbeatIfDue(state, at, settings)
      case 'busLost':
        return busLost(state)
      case 'busRecovered':
        return heartbeatIfDue(wantHeartbeat({ ...state, bus: 'up' }, at.nowMs), at, settings)
      case 'heartbeatWanted':
        return heartbeatIfDue(wantHeartbeat(state, at.nowMs), at, settings)
      case 'storeFailed':
        return linkLost(wantHeartbeat(state, at.nowMs + settings.retryMs))
      case 'heartbeatFailed':
        return linkLost({ ...state, heartbeat: { status: 'idle', dueAtMs: at.nowMs + settings.retryMs } })
      case 'heartbeatDone':
        return event.renewed ? renewed(state, event, at, settings) : takeNextName(state, event.nextBootId, at, settings)
      default:
        event satisfies never
        return { state, effects: [] }
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
  const { identity, lease, heartbeat, leasesTrustedAtMs } = state
  if (heartbeat.status !== 'idle' || heartbeat.dueAtMs > nowMs) return { state, effects: [] }
  const isNew = lease === 'wanted'
  const trustedInMs = isNew && identity.previousBootIds.length > 0 ? leaseMs : leasesTrustedAtMs - nowMs
  const doubtfulUntil = trustedInMs > 0 ? dateMs + trustedInMs : undefined
  return {
    state: { ...state, heartbeat: { status: 'underway', again: false } },
    effects: [{ type: 'heartbeat', identity, isNew, ttlMs: Math.floor(leaseMs * KEY_SHARE), doubtfulUntil }],
  }
}

const linkLost = (state: LeaseState): LeaseStep =>
  isLinkUp(state)
    ? { state: { ...state, link: { status: 'down' } }, effects: [{ type: 'linkLost' }] }
    : { state, effects: [] }

function busLost(state: LeaseState): LeaseStep {
  const step = linkLost({ ...state, bus: 'down' })
  return { ...step, state: { ...step.state, link: { status: 'down' } } }
}

/** The lease is gone, and with it the name. */
function takeNextName(state: LeaseState, nextBootId: BootId, at: Moment, settings: LeaseSettings): LeaseStep {
  const { bootId, previousBootIds } = state.identity
  const identity = { bootId: nextBootId, previousBootIds: [bootId, ...previousBootIds].slice(0, MAX_PREVIOUS) }
  const heartbeat = { status: 'idle', dueAtMs: at.nowMs } as const
  return heartbeatIfDue({ ...state, identity, lease: 'wanted', heartbeat }, at, settings)
}

function renewed(
  state: LeaseState,
  { asked, ttlMs }: Extract<LeaseEvent, { type: 'heartbeatDone' }>,
  at: Moment,
  settings: LeaseSettings,
): LeaseStep {
  const { nowMs } = at
  const { identity, bus } = state
  const isTaken = state.lease === 'wanted'
  const hasLostOne = isTaken && identity.previousBootIds.length > 0
  const leasesTrustedAtMs = hasLostOne ? nowMs + settings.leaseMs : state.leasesTrustedAtMs
  const isFound = bus === 'up' && (isTaken || !isLinkUp(state))
  const link = isFound ? found(state.link, nowMs) : recovered(state.link, nowMs)
  const trust = trustOf({ ...state, link, leasesTrustedAtMs }, nowMs)
  const effects: LeaseEffect[] = []
  if (isFound) effects.push({ type: 'linkFound', identity })
  else if (link !== state.link) effects.push({ type: 'trustRestored' })
  const boots = asked.filter((boot) => !ttlMs.has(boot))
  if (trust.leases && boots.length > 0) effects.push({ type: 'gatewaysGone', boots })
  const isAgain = state.heartbeat.status === 'underway' && state.heartbeat.again
  const dueInMs = [heartbeatEveryMs(settings), Math.max(1, Math.min(...ttlMs.values()) + EXPIRY_MARGIN_MS)]
  if (leasesTrustedAtMs > nowMs) dueInMs.push(leasesTrustedAtMs - nowMs)
  if (link.status === 'recovering') dueInMs.push(link.untilMs - nowMs)
  const heartbeat = { status: 'idle', dueAtMs: nowMs + (isAgain ? 0 : Math.min(...dueInMs)) } as const
  const step = heartbeatIfDue({ identity, link, bus, lease: 'held', heartbeat, leasesTrustedAtMs }, at, settings)
  return { state: step.state, effects: [...effects, ...step.effects] }
}

/** A gateway that starts has nothing to doubt. */
const found = (link: Link, nowMs: number): Link =>
  link.status === 'starting' ? { status: 'up' } : { status: 'recovering', untilMs: nowMs + SAID_AGAIN_MS }

const recovered = (link: Link, nowMs: number): Link =>
  link.status === 'recovering' && link.untilMs <= nowMs ? { status: 'up' } : link
