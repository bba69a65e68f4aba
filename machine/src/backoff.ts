/**
 * How long to wait before trying again: full jitter over an exponential ceiling, so that those who failed at the same
 * moment do not come back at the same moment. (Exponential backoff and jitter, Marc Brooker, 2015.)
 *
 * What the other side asked for is a floor that the jitter is added to: a thousand who were told "in one second" must
 * not return in the same millisecond.
 */
export interface Backoff {
  /** No attempt follows another sooner than this. */
  minMs: number
  baseMs: number
  maxMs: number
}

/**
 * Milliseconds to wait.
 * @param failures failed attempts in a row before this one; 0 after the first
 * @param random in [0, 1)
 * @param floorMs what the other side asked for, if anything
 */
export function backoffMs({ minMs, baseMs, maxMs }: Backoff, failures: number, random: number, floorMs = 0): number {
  const ceilingMs = Math.min(maxMs, baseMs * 2 ** Math.min(failures, 30))
  return Math.max(minMs, floorMs) + Math.floor(random * ceilingMs)
}
