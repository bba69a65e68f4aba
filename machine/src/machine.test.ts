import { expect, test } from 'vitest'
import { soonest } from './machine.ts'

test('M10 of several times the first counts, whether or not all are set', () => {
  expect(soonest([])).toBeUndefined()
  expect(soonest([undefined, undefined])).toBeUndefined()
  expect(soonest([7, undefined, 0, 5])).toBe(0)
})
