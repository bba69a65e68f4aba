import type { PresenceEntry } from '@rhizom/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { PresenceRead } from './presence-read.ts'
import { SpaceRoster, windowFor } from './roster.ts'
import type { PresenceFrame, PresenceWrite, RosterEffect } from './roster-effect.ts'

const settings = { graceMs: 100, windowMs: 10, listLimit: 200 }
const me = { bootId: 'me', formerly: [] }
let roster: SpaceRoster
let effects: RosterEffect[]

const take = <Type extends RosterEffect['type']>(type: Type): Extract<RosterEffect, { type: Type }>[] => {
  effects.push(...roster.takeEffects())
  const is = (effect: RosterEffect): effect is Extract<RosterEffect, { type: Type }> => effect.type === type
  const taken = effects.filter(is)
  effects = effects.filter((effect) => !is(effect))
  return taken
}
const frames = (): PresenceFrame[] => take('sendFrame').map(({ frame }) => frame)
const entry = (since: number, rev = 1, setAt = 0): PresenceEntry => ({ state: {}, since, setAt, rev })
const hash = (parts: Record<string, Record<string, PresenceEntry>>): PresenceRead => ({
  entries: new Map(Object.entries(parts).map(([boot, beings]) => [boot, new Map(Object.entries(beings))] as const)),
  leases: new Map(Object.keys(parts).map((boot) => [boot, []] as const)),
  beats: new Map(),
})
const answerRead = (parts: Record<string, Record<string, PresenceEntry>>, now: number): void =>
  roster.readDone(take('readHash').at(-1)?.turn ?? 0, hash(parts), false, now)
const write = (to: number): PresenceWrite => {
  const made = roster.takeWrite(to)
  if (made === undefined) throw new Error('nothing to write')
  return made
}

beforeEach(() => {
  effects = []
  roster = new SpaceRoster('@s', me, settings)
  roster.linkFound(me, 0)
  roster.watched()
  roster.channelJoined(0)
  answerRead({}, 0)
  roster.answer([])
})

describe('writes', () => {
  test('G105 what came together is one write; each follows the one before it', () => {
    roster.came(1, '@ada', 1)
    roster.came(2, '@bob', 1)
    expect(take('writeHash').length).toBeGreaterThan(0)
    expect(write(7)).toMatchObject({ bootId: 'me', from: 0, to: 7, isWhole: true })
    roster.ended(1, 2)
    const second = write(12)
    expect(second).toMatchObject({ from: 7, to: 12, isWhole: false, hint: { put: {}, left: { '@ada': 2 } } })
    expect([...second.left]).toEqual([['@ada', 2]])
    expect(roster.takeWrite(13)).toBeUndefined()
  })

  test('G118 who left is told to have left when Redis has it, and not before', () => {
    roster.came(1, '@ada', 1)
    roster.written(write(1), 2)
    roster.tick(20)
    frames()
    roster.left(1, 30)
    roster.tick(500)
    const leave = write(2)
    expect([...leave.left]).toEqual([['@ada', 30]])
    roster.tick(1000)
    expect(frames()).toEqual([])
    roster.written(leave, 1001)
    roster.tick(1100)
    expect(frames()).toMatchObject([{ left: ['@ada'], hereCount: 0 }])
    expect(take('reportLastSeen')).toMatchObject([{ being: '@ada', at: 30 }])
  })

  test('G118 one who is back before Redis took the leave has not left', () => {
    roster.came(1, '@ada', 1)
    roster.tick(20)
    frames()
    roster.ended(1, 30)
    const leave = write(2)
    roster.came(2, '@ada', 31)
    roster.written(leave, 40)
    roster.tick(1000)
    expect(frames()).toEqual([])
    expect(write(3).put.has('@ada')).toBe(true)
  })

  test('G118 a leave that Redis has not taken yet when nobody looks any more is reported all the same', () => {
    roster.came(1, '@ada', 1)
    roster.ended(1, 30)
    const leave = write(2)
    roster.unwatched(35)
    expect(take('reportLastSeen')).toMatchObject([{ being: '@ada', at: 30 }])
    roster.written(leave, 40)
    expect(take('reportLastSeen')).toEqual([])
    expect(roster.isIdle).toBe(true)
  })

  test('G113 what an answer told already is told to all before the word that the roster is frozen', () => {
    roster.came(1, '@ada', 1)
    expect(roster.answer(['@ada'])).toMatchObject({ hereCount: 1 })
    roster.linkLost(2)
    expect(frames()).toMatchObject([
      { joined: [{ being: '@ada' }], hereCount: 1, frozen: false },
      { joined: [], hereCount: 1, frozen: true },
    ])
  })

  test('G111 under another name everything is said again, with the former', () => {
    roster.came(1, '@ada', 1)
    write(1)
    roster.linkFound({ bootId: 'me-again', formerly: ['me'] }, 50)
    const again = write(2)
    expect(again).toMatchObject({ bootId: 'me-again', from: 0, hint: { formerly: ['me'] } })
    expect([...again.put.keys()]).toEqual(['@ada'])
    roster.tick(1000)
    expect(frames()).toHaveLength(1)
  })

  test('G113 after an outage all is said again, and a removal that may not have arrived as well', () => {
    roster.came(1, '@ada', 1)
    roster.came(2, '@bob', 1)
    write(1)
    roster.ended(2, 5)
    const lost = write(2)
    roster.linkLost(6)
    roster.writeFailed(lost)
    roster.linkFound(me, 50)
    const again = write(3)
    expect(again.from).toBe(0)
    expect([...again.put.keys()]).toEqual(['@ada'])
    expect([...again.left.keys()]).toEqual(['@bob'])
  })

  test('G114 fields of ours that should not be there are removed, those that are missing are written again', () => {
    roster.came(1, '@ada', 1)
    write(1)
    take('writeHash')
    roster.suspect(20)
    answerRead({ me: { '@ghost': entry(1) } }, 21)
    expect(take('removeOrphans')).toEqual([{ type: 'removeOrphans', orphans: new Map([['me', ['@ghost']]]) }])
    expect([...write(2).put.keys()]).toEqual(['@ada'])
  })

  test('G106 a write of very many is told without them', () => {
    for (let index = 0; index <= 200; index++) roster.came(index, `@b${index}`, 1)
    const { put, hint } = write(1)
    expect(put.size).toBe(201)
    expect(hint.put).toBeUndefined()
  })

  test('G100 one whom another gateway had before is here since then', () => {
    roster.heard({ bootId: 'other', from: 0, to: 1, hint: { put: { '@ada': entry(3) }, left: {}, formerly: [] } }, 50)
    roster.came(1, '@ada', 60)
    expect(write(1).put.get('@ada')?.since).toBe(3)
    roster.came(2, '@bob', 60)
    write(2)
    roster.heard({ bootId: 'other', from: 1, to: 2, hint: { put: { '@bob': entry(40) }, left: {}, formerly: [] } }, 70)
    expect(write(3).put.get('@bob')?.since).toBe(40)
  })
})

describe('frames', () => {
  test('G102 one when the window ends', () => {
    roster.came(1, '@ada', 5)
    roster.came(2, '@bob', 9)
    expect(roster.wakesAt).toBe(15)
    roster.tick(14)
    expect(frames()).toEqual([])
    roster.tick(15)
    expect(frames()).toMatchObject([{ joined: [{ being: '@ada' }, { being: '@bob' }], hereCount: 2 }])
  })

  test('G113 an answer to a read that was overtaken is no answer', () => {
    roster.linkLost(10)
    roster.linkFound(me, 20)
    const [first] = take('readHash')
    roster.linkLost(30)
    roster.linkFound(me, 40)
    roster.readDone(first?.turn ?? 0, hash({ a: { '@ghost': entry(1) } }), false, 50)
    expect(roster.isExact).toBe(false)
    answerRead({}, 60)
    expect(roster.isExact).toBe(true)
    expect(frames().map(({ frozen }) => frozen)).toEqual([true, false])
  })

  test('G106 the window grows with the space, so that its clients are sent a bounded number of frames a second', () => {
    expect(windowFor(200, settings)).toBe(10)
    expect(windowFor(2000, settings)).toBe(100)
    expect(windowFor(10_000_000, settings)).toBe(5000)
  })
})

describe('leaving', () => {
  test('G108 who is here through another gateway has not left when this one stops looking', () => {
    roster.came(1, '@ada', 1)
    roster.heard({ bootId: 'other', from: 0, to: 1, hint: { put: { '@ada': entry(3) }, left: {}, formerly: [] } }, 50)
    roster.ended(1, 60)
    roster.tick(100)
    roster.unwatched(200)
    expect(take('reportLastSeen')).toEqual([])
    expect(roster.count).toBe(0)
  })

  test('G108 the gateway whose connection was the last reports, also of a space that nobody watches any more', () => {
    roster.came(1, '@ada', 1)
    roster.unwatched(10)
    roster.left(1, 20)
    roster.tick(120)
    expect(take('reportLastSeen')).toEqual([{ type: 'reportLastSeen', being: '@ada', at: 20 }])
    write(1)
    expect(roster.isIdle).toBe(true)
  })

  test('G104 who stayed through us while nobody watched is listed again when somebody does', () => {
    roster.came(1, '@ada', 1)
    roster.unwatched(10)
    roster.watched()
    roster.came(1, '@ada', 20)
    roster.channelJoined(20)
    answerRead({ me: { '@ada': entry(1) } }, 21)
    expect(roster.answer([])).toMatchObject({ here: [{ being: '@ada', since: 1 }], hereCount: 1, frozen: false })
  })

  test('G110 all of a gateway that is gone leave together, soon also in a big space, and are reported', () => {
    const put = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`@b${index}`, entry(1)]))
    roster.heard({ bootId: 'other', from: 0, to: 1, hint: { put, left: {}, formerly: [] } }, 50)
    roster.tick(60)
    frames()
    roster.gatewayGone('other', 70, 100)
    expect(take('removeOrphans')).toHaveLength(1)
    expect(roster.wakesAt).toBe(110)
    roster.tick(110)
    expect(frames()).toMatchObject([{ joined: [], left: Object.keys(put), hereCount: 0 }])
    expect(take('reportLastSeen').map(({ at }) => at)).toEqual([70, 70, 70, 70, 70])
  })
})
