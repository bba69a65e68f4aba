import { expect, test } from 'vitest'
import { hereFor, lastSeen, spanOf } from './duration.ts'

const MINUTE_MS = 60_000

test.each([
  [-5_000, undefined],
  [0, undefined],
  [59_999, undefined],
  [MINUTE_MS, '1 min'],
  [59.9 * MINUTE_MS, '59 min'],
  [60 * MINUTE_MS, '1 h'],
  [47 * 60 * MINUTE_MS, '1 day'],
  [72 * 60 * MINUTE_MS, '3 days'],
  [364.9 * 24 * 60 * MINUTE_MS, '364 days'],
  [366 * 24 * 60 * MINUTE_MS, 'more than a year'],
  [1e300, 'more than a year'],
  [NaN, undefined],
])('a span of %d ms is %s', (ms, words) => {
  expect(spanOf(ms)).toBe(words)
})

test('being here and having been here are told in words', () => {
  expect([hereFor(5), hereFor(5 * MINUTE_MS)]).toEqual(['just came', 'here for 5 min'])
  expect([lastSeen(5), lastSeen(5 * MINUTE_MS)]).toEqual(['last seen just now', 'last seen 5 min ago'])
})
