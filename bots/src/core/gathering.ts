/**
 * How the words of an answer are gathered into appends: the first at once, so that somebody who waits sees that there
 * is an answer, then what came within an interval together. Pure: time is an argument. Whoever reads the answer adds
 * and never waits; whoever writes takes when it is due.
 */
export interface GatheringTimes {
  /** Between two appends, and at most this long is a word held back. */
  intervalMs: number
  /** So many characters do not wait for more. */
  enough: number
}

export const GATHERING: GatheringTimes = { intervalMs: 50, enough: 256 }

export interface Gathering {
  pending: string
  /** When the oldest pending word came. */
  sinceMs: number
  /** When the last append was taken, and then when it was there; undefined before the first. */
  takenAtMs: number | undefined
  isDone: boolean
}

export const nothingGathered: Gathering = { pending: '', sinceMs: 0, takenAtMs: undefined, isDone: false }

export const gather = (state: Gathering, text: string, nowMs: number): Gathering => ({
  ...state,
  pending: state.pending + text,
  sinceMs: state.pending === '' ? nowMs : state.sinceMs,
})

/** The append that was taken last is there: the interval begins anew, so that a slow server is asked less often. */
export const written = (state: Gathering, nowMs: number): Gathering => ({ ...state, takenAtMs: nowMs })

/** When there is something to take; undefined while there is nothing. */
export function dueAtMs(state: Gathering, { intervalMs, enough }: GatheringTimes): number | undefined {
  if (takeable(state) === '') return undefined
  if (state.takenAtMs === undefined) return state.sinceMs
  const earliest = state.takenAtMs + intervalMs
  return state.isDone || state.pending.length >= enough ? earliest : Math.max(earliest, state.sinceMs + intervalMs)
}

/** Takes at most `most` characters; what is left is due an interval later. */
export function take(state: Gathering, nowMs: number, most: number): { text: string; state: Gathering } {
  const text = withoutHalf(takeable(state).slice(0, most), state.isDone && state.pending.length <= most)
  return {
    text: storable(text),
    state: { ...state, pending: state.pending.slice(text.length), sinceMs: nowMs, takenAtMs: nowMs },
  }
}

/** A model may cut a character in two: its first half waits for the second. */
const takeable = ({ pending, isDone }: Gathering): string => withoutHalf(pending, isDone)

const withoutHalf = (text: string, isLast: boolean): string =>
  !isLast && /[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text

/** What no server keeps is a replacement character, so that lengths stay what they are. */
const storable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\uFFFD')
