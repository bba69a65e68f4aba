/** The pure decision of who shares a transaction. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gather } from './gather.ts'

const sizes = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 30 })
const lanes = fc.array(sizes, { minLength: 1, maxLength: 40 })
const bound = fc.integer({ min: 1, max: 500 })
const sizeOf = (units: readonly number[]): number => units.reduce((sum, size) => sum + size, 0)

test('A260 whatever waits, a transaction holds something and is bounded, unless it is one unit', () => {
  fc.assert(
    fc.property(lanes, bound, (waiting, max) => {
      const taken = gather(waiting, max)
      const units = waiting.flatMap((lane, nth) => lane.slice(0, taken[nth]))
      expect(units.length).toBeGreaterThan(0)
      if (units.length > 1) expect(sizeOf(units)).toBeLessThanOrEqual(max)
    }),
  )
})

test('A260 what is left out would not have fitted', () => {
  fc.assert(
    fc.property(lanes, bound, (waiting, max) => {
      const taken = gather(waiting, max)
      const size = sizeOf(waiting.flatMap((lane, nth) => lane.slice(0, taken[nth])))
      const next = waiting.flatMap((lane, nth) => lane[taken[nth] ?? 0] ?? [])
      for (const left of next) expect(size + left).toBeGreaterThan(max)
    }),
  )
})

test('A261 a hot lane has its share only: no lane that fits gives less than another before it has given all', () => {
  const one = fc.array(fc.constant(1), { minLength: 1, maxLength: 1000 })
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 300 }), bound, (waiting, max) => {
      const taken = gather(waiting, max)
      const unfinished = taken.filter((count, nth) => count < (waiting[nth]?.length ?? 0))
      const least = Math.min(...unfinished)
      for (const count of taken) expect(count).toBeLessThanOrEqual(least + 1)
    }),
    { numRuns: 50 },
  )
  const quiet = Array.from({ length: 300 }, () => [1])
  const hot = Array.from({ length: 10_000 }, () => 1)
  expect(gather([hot, ...quiet], 500)).toEqual([200, ...quiet.map(() => 1)])
})
