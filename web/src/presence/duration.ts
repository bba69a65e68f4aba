/** How long something lasts or is ago, in a word or two: people want to know, not to count. */
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const YEAR_MS = 365 * DAY_MS

/** undefined for less than a minute, for what a clock that goes ahead puts in the future, and for what is no number. */
export function spanOf(ms: number): string | undefined {
  if (!(ms >= MINUTE_MS)) return undefined
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`
  if (ms >= YEAR_MS) return 'more than a year'
  const days = Math.floor(ms / DAY_MS)
  return days === 1 ? '1 day' : `${days} days`
}

export function hereFor(ms: number): string {
  const span = spanOf(ms)
  return span === undefined ? 'just came' : `here for ${span}`
}

export function lastSeen(ms: number): string {
  const span = spanOf(ms)
  return span === undefined ? 'last seen just now' : `last seen ${span} ago`
}
