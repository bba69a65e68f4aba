import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isBehind, place } from './place.ts'

const epoch = '0193b2a0-0000-7000-8000-000000000001'
const other = '0193b2a0-0000-7000-8000-000000000002'
const held = { epoch, version: 41 }

test('P4 a run of another epoch is never compared by version', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(), (version, from, length) => {
      expect(place({ epoch, version }, { epoch: other, from, to: from + length })).toBe('other-epoch')
    }),
  )
})

test.each([
  { from: 41, to: 42, expected: 'follows' },
  { from: 41, to: 99, expected: 'follows' },
  { from: 40, to: 42, expected: 'overlaps' },
  { from: 0, to: 42, expected: 'overlaps' },
  { from: 40, to: 41, expected: 'old' },
  { from: 1, to: 2, expected: 'old' },
  { from: 41, to: 41, expected: 'old' },
])('P5 at 41 the run $from to $to $expected', ({ from, to, expected }) => {
  expect(place(held, { epoch, from, to })).toBe(expected)
})

test.each([
  { from: 42, to: 43 },
  { from: 99, to: 100 },
])('P6 at 41 the run $from to $to is a gap', ({ from, to }) => {
  expect(place(held, { epoch, from, to })).toBe('gap')
})

test('P6 whoever applies only what place allows never skips a version', () => {
  const run = fc
    .tuple(fc.nat(30), fc.integer({ min: 1, max: 5 }))
    .map(([from, length]) => ({ epoch, from, to: from + length }))
  fc.assert(
    fc.property(fc.array(run), (runs) => {
      const seen: number[] = []
      let version = 0
      for (const range of runs) {
        const placement = place({ epoch, version }, range)
        if (placement !== 'follows' && placement !== 'overlaps') continue
        for (let next = Math.max(range.from, version) + 1; next <= range.to; next += 1) seen.push(next)
        version = range.to
      }
      expect(seen).toEqual(Array.from({ length: version }, (_, index) => index + 1))
    }),
  )
})

test('P7 behind means a larger version or another epoch', () => {
  expect(isBehind(held, { epoch, version: 41 })).toBe(false)
  expect(isBehind(held, { epoch, version: 40 })).toBe(false)
  expect(isBehind(held, { epoch, version: 42 })).toBe(true)
  expect(isBehind(held, { epoch: other, version: 1 })).toBe(true)
})
