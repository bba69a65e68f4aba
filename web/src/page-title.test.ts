import { expect, test } from 'vitest'
import { titleOf } from './page-title.ts'

test('W121 the title says how much is unread, and where one is', () => {
  expect([titleOf('The room', 2), titleOf('The room', 0), titleOf(undefined, 3), titleOf(undefined, 0)]).toEqual([
    '(2) The room · rhizom',
    'The room · rhizom',
    '(3) rhizom',
    'rhizom',
  ])
})
