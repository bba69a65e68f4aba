import { expect, test } from 'vitest'
import { Revocations } from './revocations.ts'

const NOW = 1_000_000

test('G62 a being is news once, and its token is refused until it has run out', () => {
  const revocations = new Revocations()
  expect([...revocations.learn({ '@ada': NOW + 10, '@bob': NOW + 20 }, NOW)]).toEqual(['@ada', '@bob'])
  expect([...revocations.learn({ '@ada': NOW + 10, '@cyd': NOW + 20 }, NOW)]).toEqual(['@cyd'])
  expect(['@ada', '@bob', '@eve'].map((being) => revocations.isRevoked(being, NOW + 9))).toEqual([true, true, false])
  expect(['@ada', '@bob', '@eve'].map((being) => revocations.isRevoked(being, NOW + 10))).toEqual([false, true, false])
})

test('G62 what is said again with an earlier time shortens nothing', () => {
  const revocations = new Revocations()
  revocations.learn({ '@ada': NOW + 20 }, NOW)
  revocations.learn({ '@ada': NOW + 5 }, NOW)
  expect(revocations.isRevoked('@ada', NOW + 19)).toBe(true)
})

test('G65 what has run out is neither taken nor kept', () => {
  const revocations = new Revocations()
  expect(revocations.learn({ '@late': NOW }, NOW).size).toBe(0)
  revocations.learn({ '@ada': NOW + 10, '@bob': NOW + 200_000 }, NOW)
  expect(revocations.size).toBe(2)
  revocations.learn({}, NOW + 60_000)
  expect(revocations.size).toBe(1)
  expect(revocations.isRevoked('@bob', NOW + 60_000)).toBe(true)
})

test('G65 of too many those known longest are forgotten', () => {
  const revocations = new Revocations(3)
  const until = NOW + 1000
  revocations.learn({ '@a': until, '@b': until, '@c': until }, NOW)
  revocations.learn({ '@d': until, '@e': until }, NOW)
  const known = ['@a', '@b', '@c', '@d', '@e'].filter((being) => revocations.isRevoked(being, NOW))
  expect(known).toEqual(['@c', '@d', '@e'])
})
