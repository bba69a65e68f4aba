/**
 * Times in words. A number of milliseconds may lie beyond what a calendar can hold, which is an error to all that
 * writes dates; here it has no words.
 */

/** So far from 1970 a calendar reaches, either way. */
const MAX_TIME_MS = 8.64e15

/** What nobody can have meant is undefined, which is left out where it would stand. */
export const timeIn = (format: Intl.DateTimeFormat, ms: number): string | undefined =>
  isMoment(ms) ? format.format(ms) : undefined

/** For machines, as in the attribute of a `time`. */
export const isoTime = (ms: number): string | undefined => (isMoment(ms) ? new Date(ms).toISOString() : undefined)

const isMoment = (ms: number): boolean => Math.abs(ms) <= MAX_TIME_MS
