import { expect, test } from 'vitest'
import { firstRenewal, nextRenewal, parseRenewal, renewalText, stored } from './renewal.ts'

test('A153 a renewal is random, the next follows from it by a key alone, and what is stored holds neither', () => {
  const [first, other] = [firstRenewal(), firstRenewal()]
  expect(renewalText(first)).not.toBe(renewalText(other))
  expect(parseRenewal(renewalText(first))).toEqual(first)
  const next = nextRenewal(first, 'key')
  expect(parseRenewal(renewalText(next))).toEqual(next)
  expect(next).toEqual(nextRenewal(first, 'key'))
  expect(next).toMatchObject({ session: first.session, family: first.family })
  expect(new Set([first.secret, next.secret, nextRenewal(first, 'other').secret]).size).toBe(3)
  const kept = JSON.stringify(stored(first))
  expect(kept).not.toContain(first.secret)
  expect(kept).not.toContain(first.family)
})

test.each(['', '.', '..', 'a.b.c', '\u0000', `${renewalText(firstRenewal())}x`, renewalText(firstRenewal()).slice(1)])(
  'A153 %j is no renewal',
  (text) => {
    expect(parseRenewal(text)).toBeUndefined()
  },
)
