/**
 * Whether this gateway lives, as Redis sees it, and which of the others do.
 *
 *   starting ── lease taken and bus joined ──► up ── bus lost · Redis fails ──► down
 *                                              ▲                                 │ both are back
 *                                              └──────── a while later ── recovering
 *
 * Each heartbeat renews the lease and asks how long those of the others last. The next follows after a third of the
 * lease, or when the first of those would run out. The key lives a little shorter than `leaseMs`, so that all notice a
 * crash within it. One that finds the own lease gone takes another boot id: others may remove what was written under
 * the former.
 *
 * What is missing in Redis proves something only as far as `Trust` says; this is the one place that doubts. Where Redis
 * forgot our lease it may have forgotten all: for one lease time a missing one proves nothing. While `recovering`
 * nothing that is missing does: Redis may have gone back in time (a replica that lagged), and all gateways are about to
 * say again who is here through them.
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

/** What it proves that something is missing in Redis. */
export interface Trust {
  /** That its gateway is no more. */
  leases: boolean
  /** That somebody is not here through a gateway whose lease stands. */
  entries: boolean
}

export type Link =
  | { status: 'starting' | 'down'; bus: 'up' | 'down' }
  | { status: 'up' }
  | { status: 'recovering'; untilMs: number }

export interface LeaseState {
  identity: GatewayIdentity
  lease: { status: 'wanted' } | { status: 'held'; othersTrustedAtMs: number }
  link: Link
  heartbeat: { status: 'idle'; dueAtMs: number } | { status: 'underway'; again: boolean }
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
  | LinkChange

/** What every roster is told. */
export type LinkChange =
  /** Redis is there, and the lease is ours; or not. */
  | { type: 'linkFound'; identity: GatewayIdentity }
  | { type: 'linkLost' }
  /** What a read that begins from now on lacks is not there. */
  | { type: 'trustRestored' }
  | { type: 'gatewaysGone'; boots: readonly BootId[] }

type LeaseStep = Step<LeaseState, LeaseEffect>

const KEY_SHARE = 0.9
/** Redis removes a key a moment after its time. */
const EXPIRY_MARGIN_MS = 15
const MAX_PREVIOUS = 8
/** Within this of its return all gateways are at Redis again, and have said who is here through them. */
const SAID_AGAIN_MS = 1500

export const heartbeatEveryMs = ({ leaseMs }: LeaseSettings): number => Math.floor(leaseMs / 3)

export const startLease = (bootId: BootId, nowMs: number, { retryMs }: LeaseSettings): LeaseState => ({
  identity: { bootId, previousBootIds: [] },
  lease: { status: 'wanted' },
  link: { status: 'starting', bus: 'down' },
  heartbeat: { status: 'idle', dueAtMs: nowMs + retryMs },
})

export const isLinkUp = ({ link }: LeaseState): boolean => link.status === 'up' || link.status === 'recovering'

export function trustOf({ lease, link }: LeaseState, nowMs: number): Trust {
  const entries = link.status !== 'recovering' || link.untilMs <= nowMs
  return { entries, leases: entries && lease.status === 'held' && lease.othersTrustedAtMs <= nowMs }
}

export const leaseMachine = (settings: LeaseSettings): Machine<LeaseState, LeaseEvent, LeaseEffect> => ({
  wakesAtMs: ({ heartbeat }) => (heartbeat.status === 'idle' ? heartbeat.dueAtMs : undefined),
  step(state, event, at) {
    switch (event.type) {
      case 'timePassed':
        return heartbeatIfDue(state, at, settings)
      case 'busLost':
        return down(state, 'down')
      case 'busRecovered':
        return heartbeatIfDue(wantHeartbeat({ ...state, link: withBus(state.link) }, at.nowMs), at, settings)
      case 'heartbeatWanted':
        return heartbeatIfDue(wantHeartbeat(state, at.nowMs), at, settings)
      case 'storeFailed':
        return storeLost(wantHeartbeat(state, at.nowMs + settings.retryMs))
      case 'heartbeatFailed':
        return storeLost({ ...state, heartbeat: { status: 'idle', dueAtMs: at.nowMs + settings.retryMs } })
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
  const trustedAtMs = isNew ? trustedIfTaken(identity, nowMs, leaseMs) : lease.othersTrustedAtMs
  const doubtfulUntil = trustedAtMs > nowMs ? dateMs + trustedAtMs - nowMs : undefined
  return {
    state: { ...state, heartbeat: { status: 'underway', again: false } },
    effects: [{ type: 'heartbeat', identity, isNew, ttlMs: Math.floor(leaseMs * KEY_SHARE), doubtfulUntil }],
  }
}

/** Where a lease was lost that of others may be as well. */
const trustedIfTaken = ({ previousBootIds }: GatewayIdentity, nowMs: number, leaseMs: number): number =>
  previousBootIds.length > 0 ? nowMs + leaseMs : nowMs

const withBus = (link: Link): Link => ('bus' in link ? { ...link, bus: 'up' } : link)

const down = (state: LeaseState, bus: 'up' | 'down'): LeaseStep => ({
  state: { ...state, link: { status: 'down', bus } },
  effects: isLinkUp(state) ? [{ type: 'linkLost' }] : [],
})

/** Something that was asked of Redis was not done. */
const storeLost = (state: LeaseState): LeaseStep => (isLinkUp(state) ? down(state, 'up') : stay(state))

function takeNextName(state: LeaseState, nextBootId: BootId, at: Moment, settings: LeaseSettings): LeaseStep {
  const { bootId, previousBootIds } = state.identity
  const identity = { bootId: nextBootId, previousBootIds: [bootId, ...previousBootIds].slice(0, MAX_PREVIOUS) }
  const heartbeat = { status: 'idle', dueAtMs: at.nowMs } as const
  return heartbeatIfDue({ ...state, identity, lease: { status: 'wanted' }, heartbeat }, at, settings)
}

function renewed(
  state: LeaseState,
  { asked, ttlMs }: Extract<LeaseEvent, { type: 'heartbeatDone' }>,
  at: Moment,
  settings: LeaseSettings,
): LeaseStep {
  const { nowMs } = at
  const { identity, lease, link: before, heartbeat } = state
  const isTaken = lease.status === 'wanted'
  const othersTrustedAtMs = isTaken ? trustedIfTaken(identity, nowMs, settings.leaseMs) : lease.othersTrustedAtMs
  const isBusUp = !('bus' in before) || before.bus === 'up'
  const isFound = isBusUp && (isTaken || !isLinkUp(state))
  const link = isFound ? found(before, nowMs) : recovered(before, nowMs)
  const next = { ...state, link, lease: { status: 'held', othersTrustedAtMs } } as const

  const effects: LeaseEffect[] = []
  if (isFound) effects.push({ type: 'linkFound', identity })
  else if (link !== before) effects.push({ type: 'trustRestored' })
  const boots = asked.filter((boot) => !ttlMs.has(boot))
  if (trustOf(next, nowMs).leases && boots.length > 0) effects.push({ type: 'gatewaysGone', boots })

  const isAgain = heartbeat.status === 'underway' && heartbeat.again
  const dueInMs = [heartbeatEveryMs(settings), Math.max(1, Math.min(...ttlMs.values()) + EXPIRY_MARGIN_MS)]
  if (othersTrustedAtMs > nowMs) dueInMs.push(othersTrustedAtMs - nowMs)
  if (link.status === 'recovering') dueInMs.push(link.untilMs - nowMs)
  const dueAtMs = nowMs + (isAgain ? 0 : Math.min(...dueInMs))
  const step = heartbeatIfDue({ ...next, heartbeat: { status: 'idle', dueAtMs } }, at, settings)
  return { state: step.state, effects: [...effects, ...step.effects] }
}

/** A gateway that starts has nothing to doubt. */
const found = (link: Link, nowMs: number): Link =>
  link.status === 'starting' ? { status: 'up' } : { status: 'recovering', untilMs: nowMs + SAID_AGAIN_MS }

const recovered = (link: Link, nowMs: number): Link =>
  link.status === 'recovering' && link.untilMs <= nowMs ? { status: 'up' } : link
