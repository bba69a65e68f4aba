import { beforeEach, expect, test } from 'vitest'
import { OwnPresence } from './own-presence.ts'

const GRACE = 100
let own: OwnPresence
const changes = () => Object.fromEntries(own.takeChanged())
const entry = () => own.entries.get('@ada')

beforeEach(() => {
  own = new OwnPresence(GRACE)
  own.came(1, '@ada', 10, undefined)
  changes()
})

test('G100 a second tab changes nothing, and the being stays until the last is gone', () => {
  own.came(2, '@ada', 20, undefined)
  own.left(1, 30)
  own.tick(30 + GRACE)
  expect(changes()).toEqual({})
  expect(entry()?.since).toBe(10)
  own.left(2, 200)
  own.tick(200 + GRACE - 1)
  expect(changes()).toEqual({})
  own.tick(200 + GRACE)
  expect(changes()).toEqual({ '@ada': { type: 'left', at: 200 } })
  expect(own.entries.size).toBe(0)
})

test('G100 a being that another gateway had before is here since then', () => {
  own.came(2, '@bob', 50, 7)
  expect(changes()).toMatchObject({ '@bob': { entry: { since: 7 } } })
  own.adopt('@bob', 9)
  expect(changes()).toEqual({})
  own.adopt('@bob', 5)
  expect(changes()).toMatchObject({ '@bob': { entry: { since: 5 } } })
})

test('G109 those who may not be here any more leave at once, also within their grace', () => {
  own.came(2, '@bob', 20, undefined)
  own.came(3, '@cyd', 20, undefined)
  own.left(3, 25)
  changes()
  own.restricted((being) => being === '@ada', 30)
  expect(changes()).toEqual({ '@bob': { type: 'left', at: 30 }, '@cyd': { type: 'left', at: 25 } })
  expect([...own.entries.keys()]).toEqual(['@ada'])
})

test('G101 a connection that comes back within the grace goes on where it was', () => {
  own.stateSet(1, { away: true }, 20, 0)
  changes()
  own.left(1, 30)
  expect(own.wakesAt).toBe(130)
  own.came(1, '@ada', 60, undefined)
  expect(own.wakesAt).toBeUndefined()
  own.tick(1000)
  expect(changes()).toEqual({})
  expect(entry()).toEqual({ state: { away: true }, since: 10, setAt: 20 })
})

test('G101 each grace ends in its turn', () => {
  own.came(2, '@bob', 20, undefined)
  own.left(1, 30)
  own.left(2, 60)
  changes()
  own.tick(130)
  expect(Object.keys(changes())).toEqual(['@ada'])
  expect(own.wakesAt).toBe(160)
})

test('G103 the state set last counts, and when its connection is gone the one before it', () => {
  own.came(2, '@ada', 20, undefined)
  own.stateSet(1, { tab: 1 }, 30, 0)
  own.stateSet(2, { tab: 2 }, 30, entry()?.setAt ?? 0)
  expect(entry()).toMatchObject({ state: { tab: 2 }, setAt: 31 })
  own.ended(2, 50)
  expect(entry()).toMatchObject({ state: { tab: 1 }, since: 10 })
  own.ended(1, 60)
  expect(own.entries.size).toBe(0)
})

test('G103 a state is set after the one that counts elsewhere, whatever the clocks say', () => {
  own.stateSet(1, { here: true }, 40, 5000)
  expect(entry()?.setAt).toBe(5001)
})

test('G103 a connection that is gone sets nothing', () => {
  own.left(1, 20)
  changes()
  own.stateSet(1, { late: true }, 30, 0)
  expect(changes()).toEqual({})
})

test('G109 one who may not be here any more leaves without the grace', () => {
  own.ended(1, 50)
  expect(changes()).toEqual({ '@ada': { type: 'left', at: 50 } })
})

test('G115 the grace is longer for those who were asked to stay away', () => {
  own.left(1, 30)
  own.prolong(500)
  own.tick(30 + GRACE + 499)
  expect(own.entries.size).toBe(1)
  own.tick(30 + GRACE + 500)
  expect(own.entries.size).toBe(0)
})
