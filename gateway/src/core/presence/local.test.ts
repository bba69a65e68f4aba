import { momentAt as at } from '@rhizom/machine/testing'
import { beforeEach, expect, test } from 'vitest'
import { LocalPresence } from './local.ts'
import { MergedPresence } from './merged.ts'

const GRACE = 100
const ME = { bootId: 'me', previousBootIds: [] }
let merged: MergedPresence
let local: LocalPresence
let seen: [string, number][]
let writes: number

const write = () => local.takeWrite('@s', ++writes)
/** What the next write says, and whether all of it is taken. */
const written = (): { put?: string[]; left?: Record<string, number> } => {
  const taken = write()
  if (taken === undefined) return {}
  local.written(taken)
  return { put: [...taken.put.keys()], left: Object.fromEntries(taken.left) }
}
const entry = () => merged.get('@ada')
/** One may not be here any more. */
const remove = (being: string, nowMs: number): void => local.retainOnly((one) => one !== being, at(nowMs))

beforeEach(() => {
  seen = []
  writes = 0
  merged = new MergedPresence()
  local = new LocalPresence(merged, ME, GRACE, (being, date) => seen.push([being, date]))
  local.join(1, '@ada', at(10))
  written()
})

test('G100 a second tab changes nothing, and the being stays until the last is gone', () => {
  local.join(2, '@ada', at(20))
  local.leave(1, '@ada', at(30))
  local.timePassed(at(30 + GRACE))
  expect(written()).toEqual({})
  expect(entry()?.since).toBe(10)
  local.leave(2, '@ada', at(200))
  local.timePassed(at(200 + GRACE - 1))
  expect(written()).toEqual({})
  local.timePassed(at(200 + GRACE))
  expect(written()).toEqual({ put: [], left: { '@ada': 200 } })
  expect(local.count).toBe(0)
})

test('G100 a being that another gateway had before is here since then', () => {
  merged.put('other', '@bob', { state: {}, since: 7, setAt: 0, rev: 1 })
  local.join(2, '@bob', at(50))
  expect(write()?.put.get('@bob')).toMatchObject({ since: 7 })
  local.adopt('@bob', 9)
  expect(written()).toEqual({})
  local.adopt('@bob', 5)
  expect(write()?.put.get('@bob')).toMatchObject({ since: 5 })
})

test('G109 those who may not be here any more leave at once, also within their grace', () => {
  local.join(2, '@bob', at(20))
  local.join(3, '@cyd', at(20))
  local.leave(3, '@cyd', at(25))
  written()
  local.retainOnly((being) => being === '@ada', at(30))
  expect(written()).toEqual({ put: [], left: { '@bob': 30, '@cyd': 25 } })
  expect(local.beings()).toEqual(['@ada'])
})

test('G101 G103 a connection that comes back within the grace goes on where it was', () => {
  local.setState(1, '@ada', { away: true }, at(20))
  written()
  local.leave(1, '@ada', at(30))
  expect(local.wakesAtMs).toBe(130)
  local.join(1, '@ada', at(60))
  expect(local.wakesAtMs).toBeUndefined()
  local.timePassed(at(1000))
  expect(written()).toEqual({})
  expect(entry()).toMatchObject({ state: { away: true }, since: 10, setAt: 20 })
})

test('G101 each grace ends in its turn', () => {
  local.join(2, '@bob', at(20))
  local.leave(1, '@ada', at(30))
  local.leave(2, '@bob', at(60))
  written()
  local.timePassed(at(130))
  expect(written()).toMatchObject({ left: { '@ada': 30 } })
  expect(local.wakesAtMs).toBe(160)
})

test('G103 the state set last counts, and when its connection is gone the one before it', () => {
  local.join(2, '@ada', at(20))
  local.setState(1, '@ada', { tab: 1 }, at(30))
  local.setState(2, '@ada', { tab: 2 }, at(30))
  expect(entry()).toMatchObject({ state: { tab: 2 }, setAt: 31 })
  local.leave(2, '@ada', at(50))
  local.timePassed(at(50 + GRACE))
  expect(entry()).toMatchObject({ state: { tab: 1 }, since: 10 })
  remove('@ada', 160)
  expect(local.count).toBe(0)
})

test('G103 a state is set after the one that counts elsewhere, whatever the clocks say', () => {
  merged.put('other', '@ada', { state: { here: false }, since: 10, setAt: 5000, rev: 1 })
  local.setState(1, '@ada', { here: true }, at(40))
  expect(entry()).toMatchObject({ state: { here: true }, setAt: 5001 })
})

test('G103 a connection that is gone sets nothing', () => {
  local.leave(1, '@ada', at(20))
  local.setState(1, '@ada', { late: true }, at(30))
  expect(written()).toEqual({})
})

test('G108 who leaves was last seen when its last connection went, and is reported once', () => {
  local.join(2, '@ada', at(20))
  local.leave(1, '@ada', at(30))
  local.leave(2, '@ada', at(40))
  local.timePassed(at(40 + GRACE))
  written()
  remove('@ada', 500)
  expect(seen).toEqual([['@ada', 40]])
})

test('G115 the grace is longer for those who were asked to stay away', () => {
  local.leave(1, '@ada', at(30))
  local.extendGrace(500)
  local.timePassed(at(30 + GRACE + 499))
  expect(local.count).toBe(1)
  local.timePassed(at(30 + GRACE + 500))
  expect(local.count).toBe(0)
})

test.each([-7_200_000, 3_600_000])('G121 a grace lasts as long when the date is set by %d ms', (byMs) => {
  const set = (nowMs: number) => ({ ...at(nowMs), dateMs: nowMs + byMs })
  local.setState(1, '@ada', { tab: 1 }, at(20))
  local.setState(1, '@ada', { tab: 2 }, set(25))
  expect(entry()?.state).toEqual({ tab: 2 })
  local.leave(1, '@ada', at(30))
  local.timePassed(set(30 + GRACE - 1))
  expect(local.count).toBe(1)
  local.timePassed(set(30 + GRACE))
  expect([local.count, seen]).toEqual([0, [['@ada', 30]]])
})

test('G118 who left is here until Redis has taken it, and until it has taken the last word of it', () => {
  remove('@ada', 20)
  const first = write()
  local.join(2, '@ada', at(25))
  remove('@ada', 30)
  if (first !== undefined) local.written(first)
  expect([merged.has('@ada'), local.isSettled]).toEqual([true, false])
  expect(local.storedBeings()).toEqual(['@ada'])
  expect(written()).toEqual({ put: [], left: { '@ada': 30 } })
  expect([merged.has('@ada'), local.isSettled]).toEqual([false, true])
})

test('G114 what Redis holds of ours is put right by the next write', () => {
  local.join(2, '@bob', at(20))
  written()
  local.compare(new Map([['@ghost', { state: {}, since: 1, setAt: 0, rev: 1 }]]), at(50))
  expect(written()).toEqual({ put: ['@ada', '@bob'], left: { '@ghost': 50 } })
  expect(seen).toEqual([])
})

test('G111 under another name everything is said again, and what was written under the former proves nothing', () => {
  local.join(2, '@bob', at(20))
  written()
  remove('@bob', 30)
  const lost = write()
  local.beginAnew({ bootId: 'me-again', previousBootIds: ['me'] }, false)
  if (lost !== undefined) local.written(lost)
  const again = write()
  expect(again).toMatchObject({ range: { epoch: 'me-again', from: 0 }, hint: { formerly: ['me'] } })
  expect([[...(again?.put.keys() ?? [])], [...(again?.left.keys() ?? [])]]).toEqual([['@ada'], ['@bob']])
  expect([merged.partOf('me').size, merged.partOf('me-again').size]).toEqual([0, 1])
})
