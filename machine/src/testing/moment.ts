/** For tests: the moment of a step. */
import type { Moment } from '../clock.ts'

export const momentAt = (nowMs: number, rest: Partial<Omit<Moment, 'nowMs'>> = {}): Moment => ({
  nowMs,
  dateMs: nowMs,
  random: 0.5,
  ...rest,
})
