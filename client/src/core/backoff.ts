/**
 * How long to wait before trying again. Full jitter over an exponential ceiling spreads clients that failed at the
 * same moment. What a server asks for is a floor the jitter is added to: a thousand clients told "in one second"
 * must not return in the same millisecond.
 */
export const BACKOFF = {
  /** No attempt follows another sooner than this. */
  minMs: 200,
  baseMs: 400,
  capMs: 15_000,
} as const

/**
 * Milliseconds to wait after `failures` failed attempts in a row (0 after the first).
 * @param random in [0, 1)
 * @param floorMs what the server asked for, if anything
 */
export function backoffMs(failures: number, random: number, floorMs = 0): number {
  const ceilingMs = Math.min(BACKOFF.capMs, BACKOFF.baseMs * 2 ** Math.min(failures, 30))
  return Math.max(BACKOFF.minMs, floorMs) + Math.floor(random * ceilingMs)
}

/** The moment at which a step happens: time and chance are arguments of every machine of this folder. */
export interface Moment {
  nowMs: number
  /** In [0, 1), drawn anew for each step. */
  random: number
}
