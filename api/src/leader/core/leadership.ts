/**
 * Whether this node leads, and which of a leader's duties is due. One node leads: whoever holds an advisory lock of
 * Postgres, on a connection kept for that. Pure; leader.ts carries the effects out.
 *
 *   following ── due ──► asking ── electionWon ──► leading
 *       ▲                  │                          │
 *       └── electionLost, connectionLost, no answer in time: asks again after `everyMs`
 *
 * A duty of a former term may end late: what it says then is told by its term and passed over.
 */
import { type Machine, type Moment, type Step, stay } from '@rhizom/machine'

export const DUTIES = ['heads', 'revocations', 'leases', 'pruning', 'guests'] as const
export type DutyName = (typeof DUTIES)[number]

export interface DutyTimes {
  /** After the election. */
  firstAfterMs: number
  everyMs: number
  /** A duty on the connection of the lock that takes longer costs the leadership; undefined for one that may. */
  deadlineMs: number | undefined
}

export interface LeadershipTimes {
  /** How often a follower asks for the lock. */
  everyMs: number
  /** How long that may take. */
  deadlineMs: number
  duties: Readonly<Record<DutyName, DutyTimes>>
}

type DutyState = { status: 'waiting'; dueAtMs: number } | { status: 'running'; sinceMs: number }
type Duties = Readonly<Record<DutyName, DutyState>>

/** `term` counts the elections that this node stood in. */
export type Leadership =
  | { status: 'following'; term: number; askAtMs: number }
  | { status: 'asking'; term: number; sinceMs: number }
  | { status: 'leading'; term: number; duties: Duties }

export type LeadershipEvent =
  | { type: 'electionWon'; term: number }
  /** Another node leads, or the lock could not be asked for. */
  | { type: 'electionLost'; term: number }
  | { type: 'connectionLost' }
  | { type: 'dutyDone'; term: number; duty: DutyName }

export type LeadershipEffect =
  | { type: 'askForLock'; term: number }
  | { type: 'lead'; term: number }
  | { type: 'follow' }
  | { type: 'runDuty'; term: number; duty: DutyName }
  | { type: 'dropConnection' }

type LeadershipStep = Step<Leadership, LeadershipEffect>
type Leading = Extract<Leadership, { status: 'leading' }>

export const initialLeadership = (nowMs: number): Leadership => ({ status: 'following', term: 0, askAtMs: nowMs })

export function leadershipMachine(times: LeadershipTimes): Machine<Leadership, LeadershipEvent, LeadershipEffect> {
  /** Asks again an interval after `sinceMs`, or now where that has passed. */
  const follow = (
    term: number,
    sinceMs: number,
    { nowMs }: Moment,
    effects: LeadershipEffect[] = [],
  ): LeadershipStep => ({
    state: { status: 'following', term, askAtMs: Math.max(nowMs, sinceMs + times.everyMs) },
    effects,
  })

  const lead = (term: number, at: Moment): LeadershipStep => {
    const waiting = (duty: DutyName): DutyState => ({
      status: 'waiting',
      dueAtMs: at.nowMs + times.duties[duty].firstAfterMs,
    })
    const duties: Duties = {
      heads: waiting('heads'),
      revocations: waiting('revocations'),
      leases: waiting('leases'),
      pruning: waiting('pruning'),
      guests: waiting('guests'),
    }
    const { state, effects } = runDue({ status: 'leading', term, duties }, at)
    return { state, effects: [{ type: 'lead', term }, ...effects] }
  }

  const runDue = (state: Leading, { nowMs }: Moment): LeadershipStep => {
    const due = DUTIES.filter((duty) => isDue(state.duties[duty], nowMs))
    if (due.length === 0) return stay(state)
    const running = Object.fromEntries(due.map((duty) => [duty, { status: 'running', sinceMs: nowMs } as const]))
    return {
      state: { ...state, duties: { ...state.duties, ...running } },
      effects: due.map((duty) => ({ type: 'runDuty', term: state.term, duty })),
    }
  }

  const dutyDone = (state: Leading, duty: DutyName, { nowMs }: Moment): LeadershipStep => {
    const done = state.duties[duty]
    if (done.status === 'waiting') return stay(state)
    const dueAtMs = Math.max(nowMs, done.sinceMs + times.duties[duty].everyMs)
    return stay({ ...state, duties: { ...state.duties, [duty]: { status: 'waiting', dueAtMs } } })
  }

  const timePassed = (state: Leadership, at: Moment): LeadershipStep => {
    if (wakesAtMs(state) > at.nowMs) return stay(state)
    switch (state.status) {
      case 'following': {
        const term = state.term + 1
        return { state: { status: 'asking', term, sinceMs: at.nowMs }, effects: [{ type: 'askForLock', term }] }
      }
      case 'asking':
        return follow(state.term, state.sinceMs, at, [{ type: 'dropConnection' }])
      case 'leading': {
        const isLate = DUTIES.some((duty) => deadlineOf(state.duties[duty], times.duties[duty]) <= at.nowMs)
        if (isLate) return follow(state.term, at.nowMs, at, [{ type: 'dropConnection' }, { type: 'follow' }])
        return runDue(state, at)
      }
      default:
        return state satisfies never
    }
  }

  const wakesAtMs = (state: Leadership): number => {
    switch (state.status) {
      case 'following':
        return state.askAtMs
      case 'asking':
        return state.sinceMs + times.deadlineMs
      case 'leading':
        return Math.min(...DUTIES.map((duty) => dutyWakesAtMs(state.duties[duty], times.duties[duty])))
      default:
        return state satisfies never
    }
  }

  return {
    step(state, event, at) {
      switch (event.type) {
        case 'timePassed':
          return timePassed(state, at)
        case 'electionWon':
          return state.status === 'asking' && state.term === event.term ? lead(state.term, at) : stay(state)
        case 'electionLost':
          return state.status === 'asking' && state.term === event.term
            ? follow(state.term, state.sinceMs, at)
            : stay(state)
        case 'connectionLost':
          if (state.status === 'following') return stay(state)
          if (state.status === 'asking') return follow(state.term, state.sinceMs, at)
          return follow(state.term, at.nowMs, at, [{ type: 'follow' }])
        case 'dutyDone':
          return state.status === 'leading' && state.term === event.term ? dutyDone(state, event.duty, at) : stay(state)
        default:
          return event satisfies never
      }
    },
    wakesAtMs,
  }
}

const isDue = (duty: DutyState, nowMs: number): boolean => duty.status === 'waiting' && duty.dueAtMs <= nowMs

const deadlineOf = (duty: DutyState, { deadlineMs }: DutyTimes): number =>
  duty.status === 'running' && deadlineMs !== undefined ? duty.sinceMs + deadlineMs : Infinity

const dutyWakesAtMs = (duty: DutyState, times: DutyTimes): number =>
  duty.status === 'waiting' ? duty.dueAtMs : deadlineOf(duty, times)
