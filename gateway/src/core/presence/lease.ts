/**
 * Whether this gateway lives, as Redis sees it, and which of the others do.
 *
 *   starting ── lease taken and bus joined ──► up ── bus lost · Redis fails ──► down ── both are back ──► up
 *
 * One heartbeat serves everything: it renews the lease, learns the rest of the leases that matter, and is followed by the
 * next after a third of the lease, or when the first of those would run out. The key lives a little shorter than
 * `leaseMs`, so that all have noticed a crash within `leaseMs`.
 *
 * A heartbeat that finds the own lease gone (suspended for too long, Redis restarted empty) takes a new boot id: the
 * former may have been buried by others, and what they remove belongs to it alone. Where Redis forgot one lease it may
 * have forgotten all, so for one lease time a missing one proves nothing: its owner may be about to come back.
 */
import type { BootId } from '@rhizom/protocol'
import type { OwnName } from './remote-presence.ts'

export interface LeaseSettings {
  leaseMs: number
  /** Pause after a heartbeat that failed. */
  retryMs: number
}

export interface LeaseState {
  name: OwnName
  link: 'starting' | 'up' | 'down'
  bus: 'up' | 'down'
  /** `wanted`: it is to be taken anew. */
  lease: 'wanted' | 'held'
  beat: { status: 'idle'; at: number } | { status: 'underway'; again: boolean }
  /** Until when a missing lease proves nothing. */
  doubtUntil: number | undefined
}

export type LeaseEvent =
  | { type: 'ticked' }
  | { type: 'busLost' }
  | { type: 'busRecovered' }
  /** The connection is there. */
  | { type: 'beatWanted' }
  | { type: 'storeFailed' }
  | { type: 'beatFailed' }
  /** `restsMs` has those of the others that have a lease; `freshId` is a name nobody had before. */
  | {
      type: 'beatDone'
      isKept: boolean
      asked: readonly BootId[]
      restsMs: ReadonlyMap<BootId, number>
      freshId: BootId
    }

export type LeaseEffect =
  | { type: 'beat'; name: OwnName; isNew: boolean; ttlMs: number; doubtfulUntil: number | undefined }
  | { type: 'linkFound'; name: OwnName }
  | { type: 'linkLost' }
  | { type: 'gatewaysGone'; boots: readonly BootId[] }

export interface LeaseStep {
  state: LeaseState
  effects: readonly LeaseEffect[]
}

const KEY_SHARE = 0.9
/** Redis removes a key a moment after its time. */
const EXPIRY_MARGIN_MS = 15
const MAX_FORMER = 8

export const beatEveryMs = ({ leaseMs }: LeaseSettings): number => Math.floor(leaseMs / 3)

/** The first heartbeat follows the first connection. */
export const startLease = (bootId: BootId, now: number, { retryMs }: LeaseSettings): LeaseState => ({
  name: { bootId, formerly: [] },
  link: 'starting',
  bus: 'down',
  lease: 'wanted',
  beat: { status: 'idle', at: now + retryMs },
  doubtUntil: undefined,
})

export const isDoubtful = ({ doubtUntil }: LeaseState, now: number): boolean =>
  doubtUntil !== undefined && now < doubtUntil

export const leaseWakesAt = ({ beat }: LeaseState): number | undefined => (beat.status === 'idle' ? beat.at : undefined)

export function stepLease(state: LeaseState, event: LeaseEvent, now: number, settings: LeaseSettings): LeaseStep {
  switch (event.type) {
    case 'ticked':
      return beatIfDue(state, now, settings)
    case 'busLost':
      return busLost(state)
    case 'busRecovered':
      return beatIfDue(wantBeat({ ...state, bus: 'up' }, now), now, settings)
    case 'beatWanted':
      return beatIfDue(wantBeat(state, now), now, settings)
    case 'storeFailed':
      return lost(wantBeat(state, now + settings.retryMs))
    case 'beatFailed':
      return lost({ ...state, beat: { status: 'idle', at: now + settings.retryMs } })
    case 'beatDone':
      return beatDone(state, event, now, settings)
    default:
      event satisfies never
      return { state, effects: [] }
  }
}

/** A heartbeat under way may be older than what is wanted, so another follows it. */
function wantBeat(state: LeaseState, at: number): LeaseState {
  const { beat } = state
  if (beat.status === 'underway') return { ...state, beat: { ...beat, again: true } }
  return { ...state, beat: { status: 'idle', at: Math.min(at, beat.at) } }
}

function beatIfDue(state: LeaseState, now: number, { leaseMs }: LeaseSettings): LeaseStep {
  if (state.beat.status !== 'idle' || state.beat.at > now) return { state, effects: [] }
  const { name, lease } = state
  const isNew = lease === 'wanted'
  const doubtfulUntil =
    isNew && name.formerly.length > 0 ? now + leaseMs : isDoubtful(state, now) ? state.doubtUntil : undefined
  return {
    state: { ...state, beat: { status: 'underway', again: false } },
    effects: [{ type: 'beat', name, isNew, ttlMs: Math.floor(leaseMs * KEY_SHARE), doubtfulUntil }],
  }
}

const lost = (state: LeaseState): LeaseStep =>
  state.link === 'up' ? { state: { ...state, link: 'down' }, effects: [{ type: 'linkLost' }] } : { state, effects: [] }

function busLost(state: LeaseState): LeaseStep {
  const step = lost({ ...state, bus: 'down' })
  return { ...step, state: { ...step.state, link: 'down' } }
}

function beatDone(
  state: LeaseState,
  { isKept, asked, restsMs, freshId }: Extract<LeaseEvent, { type: 'beatDone' }>,
  now: number,
  settings: LeaseSettings,
): LeaseStep {
  if (!isKept) {
    const { bootId, formerly } = state.name
    const name = { bootId: freshId, formerly: [bootId, ...formerly].slice(0, MAX_FORMER) }
    return beatIfDue({ ...state, name, lease: 'wanted', beat: { status: 'idle', at: now } }, now, settings)
  }
  const isTaken = state.lease === 'wanted'
  const hasLostOne = isTaken && state.name.formerly.length > 0
  const doubtUntil = hasLostOne ? now + settings.leaseMs : isDoubtful(state, now) ? state.doubtUntil : undefined
  const isFound = state.bus === 'up' && (isTaken || state.link !== 'up')
  const effects: LeaseEffect[] = isFound ? [{ type: 'linkFound', name: state.name }] : []
  const boots = asked.filter((boot) => !restsMs.has(boot))
  if (doubtUntil === undefined && boots.length > 0) effects.push({ type: 'gatewaysGone', boots })
  const isAgain = state.beat.status === 'underway' && state.beat.again
  const firstEnd = Math.min(...restsMs.values()) + EXPIRY_MARGIN_MS
  const next = Math.min(
    beatEveryMs(settings),
    Math.max(1, firstEnd),
    doubtUntil === undefined ? Infinity : doubtUntil - now,
  )
  const beat = { status: 'idle', at: isAgain ? now : now + next } as const
  const link = isFound ? 'up' : state.link
  const step = beatIfDue({ ...state, lease: 'held', link, doubtUntil, beat }, now, settings)
  return { state: step.state, effects: [...effects, ...step.effects] }
}
