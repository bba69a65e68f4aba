/**
 * Watching one space, counted: ten components that show it cost one subscription. One is here while any of those who
 * watch is. The last of them to leave is still here for a moment, since a page that is built anew is no leave; the last
 * to watch keeps the subscription for a while, because people go back.
 *
 *   unwatched ─► watched ◄─► leaving ─► lingering ─► unwatched
 *                   ▲ └────────┼───────────▲ │
 *                   └──────────┴─────────────┘
 */
import { type Machine, type Moment, stay, type Step, type TimePassed } from '@rhizom/machine'
import { WATCH_TIMES } from './times.ts'

export type Watch =
  | { status: 'unwatched' }
  /** `presentWatchers` of the `watchers` are here. */
  | { status: 'watched'; watchers: number; presentWatchers: number }
  /** The last who was here has left. Others may watch; if nobody does, the end is set as well. */
  | { status: 'leaving'; watchers: number; leavesAtMs: number; endsAtMs: number | undefined }
  /** Nobody watches. */
  | { status: 'lingering'; endsAtMs: number }

export type WatchEvent =
  | { type: 'watchBegan'; present: boolean }
  | { type: 'watchEnded'; present: boolean }
  /** Another space is to be watched and there are too many: one that nobody watches goes now. */
  | { type: 'roomNeeded' }
  | TimePassed

export type WatchEffect =
  | { type: 'begin'; present: boolean }
  | { type: 'changePresent'; present: boolean }
  | { type: 'end' }

type WatchStep = Step<Watch, WatchEffect>
type Of<S extends Watch['status']> = Extract<Watch, { status: S }>

export const unwatched: Watch = { status: 'unwatched' }

const end: WatchStep = { state: unwatched, effects: [{ type: 'end' }] }
const watchedByOne = (present: boolean): Watch => ({
  status: 'watched',
  watchers: 1,
  presentWatchers: present ? 1 : 0,
})

function step(state: Watch, event: WatchEvent, { nowMs }: Moment): WatchStep {
  switch (state.status) {
    case 'unwatched':
      return event.type === 'watchBegan'
        ? { state: watchedByOne(event.present), effects: [{ type: 'begin', present: event.present }] }
        : stay(state)
    case 'watched':
      return whileWatched(state, event, nowMs)
    case 'leaving':
      return whileLeaving(state, event, nowMs)
    case 'lingering':
      return whileLingering(state, event, nowMs)
    default:
      return state satisfies never
  }
}

function whileWatched(state: Of<'watched'>, event: WatchEvent, nowMs: number): WatchStep {
  const change = 'present' in event && event.present ? 1 : 0
  switch (event.type) {
    case 'watchBegan': {
      const { watchers, presentWatchers } = state
      return {
        state: { status: 'watched', watchers: watchers + 1, presentWatchers: presentWatchers + change },
        effects: change === 1 && presentWatchers === 0 ? [{ type: 'changePresent', present: true }] : [],
      }
    }
    case 'watchEnded': {
      const watchers = state.watchers - 1
      const presentWatchers = state.presentWatchers - change
      const endsAtMs = watchers === 0 ? nowMs + WATCH_TIMES.lingerMs : undefined
      if (change === 1 && presentWatchers === 0)
        return stay({ status: 'leaving', watchers, leavesAtMs: nowMs + WATCH_TIMES.leaveAfterMs, endsAtMs })
      return stay(
        endsAtMs === undefined ? { status: 'watched', watchers, presentWatchers } : { status: 'lingering', endsAtMs },
      )
    }
    case 'roomNeeded':
    case 'timePassed':
      return stay(state)
    default:
      return event satisfies never
  }
}

function whileLeaving(state: Of<'leaving'>, event: WatchEvent, nowMs: number): WatchStep {
  switch (event.type) {
    case 'watchBegan': {
      const watchers = state.watchers + 1
      return stay(
        event.present
          ? { status: 'watched', watchers, presentWatchers: 1 }
          : { ...state, watchers, endsAtMs: undefined },
      )
    }
    case 'watchEnded': {
      const watchers = state.watchers - 1
      return stay({ ...state, watchers, endsAtMs: watchers === 0 ? nowMs + WATCH_TIMES.lingerMs : undefined })
    }
    case 'roomNeeded':
      return state.watchers === 0 ? end : stay(state)
    case 'timePassed': {
      if (nowMs < state.leavesAtMs) return stay(state)
      const { watchers, endsAtMs } = state
      return {
        state:
          endsAtMs === undefined
            ? { status: 'watched', watchers, presentWatchers: 0 }
            : { status: 'lingering', endsAtMs },
        effects: [{ type: 'changePresent', present: false }],
      }
    }
    default:
      return event satisfies never
  }
}

function whileLingering(state: Of<'lingering'>, event: WatchEvent, nowMs: number): WatchStep {
  switch (event.type) {
    case 'watchBegan':
      return {
        state: watchedByOne(event.present),
        effects: event.present ? [{ type: 'changePresent', present: true }] : [],
      }
    case 'roomNeeded':
      return end
    case 'timePassed':
      return nowMs < state.endsAtMs ? stay(state) : end
    case 'watchEnded':
      return stay(state)
    default:
      return event satisfies never
  }
}

function wakesAtMs(state: Watch): number | undefined {
  switch (state.status) {
    case 'leaving':
      return state.leavesAtMs
    case 'lingering':
      return state.endsAtMs
    case 'unwatched':
    case 'watched':
      return undefined
    default:
      return state satisfies never
  }
}

export const watchMachine: Machine<Watch, WatchEvent, WatchEffect> = { step, wakesAtMs }
