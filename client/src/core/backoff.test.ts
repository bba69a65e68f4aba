import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BACKOFF, backoffMs } from './backoff.ts'

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('C2 a wait is at least the minimum and at most minimum plus ceiling', () => {
  fc.assert(
    fc.property(fc.nat(10_000), chance, (failures, random) => {
      const delay = backoffMs(failures, random)
      expect(delay).toBeGreaterThanOrEqual(BACKOFF.minMs)
      expect(delay).toBeLessThanOrEqual(BACKOFF.minMs + BACKOFF.capMs)
    }),
  )
})

test('C2 the range doubles with each failure until the cap', () => {
  const widest = (failures: number) => backoffMs(failures, 0.999_999) - BACKOFF.minMs
  expect(widest(1)).toBeGreaterThan(widest(0) * 1.9)
  expect(widest(2)).toBeGreaterThan(widest(1) * 1.9)
  expect(widest(60)).toBe(widest(20))
})

test('C3 jitter is added to what a server asked for, never taken from it', () => {
  fc.assert(
    fc.property(fc.nat(50), chance, fc.nat(600_000), (failures, random, floorMs) => {
      expect(backoffMs(failures, random, floorMs)).toBeGreaterThanOrEqual(floorMs)
    }),
  )
  expect(backoffMs(0, 0.1, 1000)).not.toBe(backoffMs(0, 0.9, 1000))
})
