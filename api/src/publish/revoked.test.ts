import { expect, test } from 'vitest'
import { oneRevokedPage } from './revoked.ts'

const removed = [
  { id: '@a', at: 1 },
  { id: '@b', at: 5 },
]
const ended = [
  { id: 'e1', at: 2 },
  { id: 'e2', at: 9 },
]

test('A155 a page of removals and ends is whole if both are', () => {
  const page = { removed, next: { since: 100 }, isWhole: true }
  expect(oneRevokedPage(page, ended, 3)).toEqual({ removed, ended, next: { since: 100 }, isWhole: true })
})

test('A155 it reaches as far as both are known, and what is beyond comes with the next', () => {
  const cut = { removed, next: { since: 5, after: '@b' }, isWhole: false }
  expect(oneRevokedPage(cut, ended, 2)).toEqual({
    ...{ removed, ended: ended.slice(0, 1) },
    ...{ next: { since: 5, after: '@b' }, isWhole: false },
  })
  const whole = { removed: [...removed, { id: '@c', at: 20 }], next: { since: 100 }, isWhole: true }
  expect(oneRevokedPage(whole, ended, 2)).toEqual({ removed, ended, next: { since: 9, after: 'e2' }, isWhole: false })
})
