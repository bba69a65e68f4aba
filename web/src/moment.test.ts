import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isoTime, timeIn } from './moment.ts'
import { hereFor, lastSeen } from './presence/duration.ts'

const clock = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })
const NOON_MS = Date.UTC(2026, 10, 27, 12)

test('a time has words', () => {
  expect(timeIn(clock, NOON_MS)).toBe('Nov 27, 2026, 12:00 PM')
  expect(isoTime(NOON_MS)).toBe('2026-11-27T12:00:00.000Z')
})

test.each([1e300, -1e300, Infinity, -Infinity, NaN, 8.64e15 + 1, Number.MAX_SAFE_INTEGER])(
  'W66 %d is no time, and nothing is said of it',
  (ms) => expect([timeIn(clock, ms), isoTime(ms)]).toEqual([undefined, undefined]),
)

test('W66 no number is an error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.double(), fc.maxSafeInteger()), (ms) => {
      for (const words of [hereFor(ms), lastSeen(ms), timeIn(clock, ms) ?? '', isoTime(ms) ?? ''])
        expect(words).not.toMatch(/NaN|Invalid|Infinity|e\+/)
    }),
  )
})
