/**
 * Times on their way to Postgres. A peer may name any integer as a time; neither `Date` nor timestamptz holds them all,
 * and they write years before 100 and after 9999 differently. What is beyond counts as the first or last moment here.
 */
const FIRST_MS = 0
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z')

let last = { ms: Number.NaN, text: '' }

/** A time as text for `::timestamptz`. Most rows of a transaction have the same one: it is written once. */
export function timestampOf(ms: number): string {
  if (ms !== last.ms) last = { ms, text: new Date(Math.min(Math.max(ms, FIRST_MS), LAST_MS)).toISOString() }
  return last.text
}
