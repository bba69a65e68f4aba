import type { Moment } from '@rhizom/machine'
import { beforeEach, expect, test } from 'vitest'
import { LocalPresence } from './local.ts'

const GRACE = 100
const at = (nowMs: number, dateMs = nowMs): Moment => ({ nowMs, dateMs, random: 0.5 })
let local: LocalPresence
const changes = () => Object.fromEntries(local.takeChanged())
const entry = () => local.entries.get('@ada')

beforeEach(() => {
  local = new LocalPresence(GRACE)
  local.join(1, '@ada', at(10), undefined)
  changes()
})

test('G100 a second tab changes nothing, and the being stays until the last is gone', () => {
  local.join(2, '@ada', at(20), undefined)
  local.leave(1, at(30))
  local.timePassed(at(30 + GRACE))
  expect(changes()).toEqual({})
  expect(entry()?.since).toBe(10)
  local.leave(2, at(200))
  local.timePassed(at(200 + GRACE - 1))
  expect(changes()).toEqual({})
  local.timePassed(at(200 + GRACE))
  expect(changes()).toEqual({ '@ada': { type: 'left', at: 200 } })
  expect(local.entries.size).toBe(0)
})

test('G100 a being that another gateway had before is here since then', () => {
  local.join(2, '@bob', at(50), 7)
  expect(changes()).toMatchObject({ '@bob': { entry: { since: 7 } } })
  local.adopt('@bob', 9)
  expect(changes()).toEqual({})
  local.adopt('@bob', 5)
  expect(changes()).toMatchObject({ '@bob': { entry: { since: 5 } } })
})

test('G109 those who may not be here any more leave at once, also within their grace', () => {
  local.join(2, '@bob', at(20), undefined)
  local.join(3, '@cyd', at(20), undefined)
  local.leave(3, at(25))
  changes()
  local.retainOnly((being) => being === '@ada', at(30))
  expect(changes()).toEqual({ '@bob': { type: 'left', at: 30 }, '@cyd': { type: 'left', at: 25 } })
  expect([...local.entries.keys()]).toEqual(['@ada'])
})

test('G101 a connection that comes back within the grace goes on where it was', () => {
  local.setState(1, { away: true }, at(20), 0)
  changes()
  local.leave(1, at(30))
  expect(local.wakesAtMs).toBe(130)
  local.join(1, '@ada', at(60), undefined)
  expect(local.wakesAtMs).toBeUndefined()
  local.timePassed(at(1000))
  expect(changes()).toEqual({})
  expect(entry()).toEqual({ state: { away: true }, since: 10, setAt: 20 })
})

test('G101 each grace ends in its turn', () => {
  local.join(2, '@bob', at(20), undefined)
  local.leave(1, at(30))
  local.leave(2, at(60))
  changes()
  local.timePassed(at(130))
  expect(Object.keys(changes())).toEqual(['@ada'])
  expect(local.wakesAtMs).toBe(160)
})

test('G103 the state set last counts, and when its connection is gone the one before it', () => {
  local.join(2, '@ada', at(20), undefined)
  local.setState(1, { tab: 1 }, at(30), 0)
  local.setState(2, { tab: 2 }, at(30), entry()?.setAt ?? 0)
  expect(entry()).toMatchObject({ state: { tab: 2 }, setAt: 31 })
  local.remove(2, at(50))
  expect(entry()).toMatchObject({ state: { tab: 1 }, since: 10 })
  local.remove(1, at(60))
  expect(local.entries.size).toBe(0)
})

test('G103 a state is set after the one that counts elsewhere, whatever the clocks say', () => {
  local.setState(1, { here: true }, at(40), 5000)
  expect(entry()?.setAt).toBe(5001)
})

test('G103 a connection that is gone sets nothing', () => {
  local.leave(1, at(20))
  changes()
  local.setState(1, { late: true }, at(30), 0)
  expect(changes()).toEqual({})
})

test('G109 one who may not be here any more leaves without the grace', () => {
  local.remove(1, at(50))
  expect(changes()).toEqual({ '@ada': { type: 'left', at: 50 } })
})

test('G115 the grace is longer for those who were asked to stay away', () => {
  local.leave(1, at(30))
  local.extendGrace(500)
  local.timePassed(at(30 + GRACE + 499))
  expect(local.entries.size).toBe(1)
  local.timePassed(at(30 + GRACE + 500))
  expect(local.entries.size).toBe(0)
})
