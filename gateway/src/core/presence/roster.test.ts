import type { Moment } from '@rhizom/machine'
import type { PresenceEntry } from '@rhizom/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Trust } from './lease.ts'
import type { PresenceWrite } from './local.ts'
import type { PresenceRead } from './remote.ts'
import { type PresenceFrame, Roster, type RosterEffect, windowFor } from './roster.ts'

const settings = { graceMs: 100, windowMs: 10, listLimit: 200 }
const me = { bootId: 'me', previousBootIds: [] }
const trusted: Trust = { leases: true, entries: true }
const at = (nowMs: number): Moment => ({ nowMs, dateMs: nowMs, random: 0.5 })
let roster: Roster
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
  heartbeats: new Map(),
})
const answerRead = (parts: Record<string, Record<string, PresenceEntry>>, now: number): void =>
  roster.readDone(take('readHash').at(-1)?.readSeq ?? 0, hash(parts), trusted, at(now))
const write = (to: number): PresenceWrite => {
  const made = roster.takeWrite(to)
  if (made === undefined) throw new Error('nothing to write')
  return made
}

beforeEach(() => {
  effects = []
  roster = new Roster('@s', me, 'down', settings)
  roster.linkFound(me, at(0))
  roster.watch()
  roster.channelJoined(at(0))
  answerRead({}, 0)
  roster.answer([])
})

describe('writes', () => {
  test('G105 what came together is one write; each follows the one before it', () => {
    roster.join(1, '@ada', at(1))
    roster.join(2, '@bob', at(1))
    expect(take('writeHash').length).toBeGreaterThan(0)
    expect(write(7)).toMatchObject({ range: { epoch: 'me', from: 0, to: 7 }, isWhole: true })
    roster.remove(1, at(2))
    const second = write(12)
    expect(second).toMatchObject({ range: { from: 7, to: 12 }, isWhole: false, hint: { put: {}, left: { '@ada': 2 } } })
    expect([...second.left]).toEqual([['@ada', 2]])
    expect(roster.takeWrite(13)).toBeUndefined()
  })

  test('G118 who left is told to have left when Redis has it, and not before', () => {
    roster.join(1, '@ada', at(1))
    roster.written(write(1), at(2))
    roster.timePassed(at(20))
    frames()
    roster.leave(1, at(30))
    roster.timePassed(at(500))
    const leave = write(2)
    expect([...leave.left]).toEqual([['@ada', 30]])
    expect(take('reportLastSeen')).toMatchObject([{ being: '@ada', at: 30 }])
    roster.timePassed(at(1000))
    expect(frames()).toEqual([])
    roster.written(leave, at(1001))
    roster.timePassed(at(1100))
    expect(frames()).toMatchObject([{ left: ['@ada'], hereCount: 0 }])
    expect(take('reportLastSeen')).toEqual([])
  })

  test('G118 one who is back before Redis took the leave has not left', () => {
    roster.join(1, '@ada', at(1))
    roster.timePassed(at(20))
    frames()
    roster.remove(1, at(30))
    const leave = write(2)
    roster.join(2, '@ada', at(31))
    roster.written(leave, at(40))
    roster.timePassed(at(1000))
    expect(frames()).toEqual([])
    expect(write(3).put.has('@ada')).toBe(true)
  })

  test('G118 a leave that Redis has not taken yet when nobody looks any more keeps the roster until it has', () => {
    roster.join(1, '@ada', at(1))
    roster.remove(1, at(30))
    roster.unwatch(at(35))
    expect(roster.isIdle).toBe(false)
    roster.written(write(2), at(40))
    expect(take('reportLastSeen')).toMatchObject([{ being: '@ada', at: 30 }])
    expect(roster.isIdle).toBe(true)
  })

  test('G113 what an answer told already is told to all before the word that the roster is frozen', () => {
    roster.join(1, '@ada', at(1))
    expect(roster.answer(['@ada'])).toMatchObject({ hereCount: 1 })
    roster.linkLost(at(2))
    expect(frames()).toMatchObject([
      { joined: [{ being: '@ada' }], hereCount: 1, frozen: false },
      { joined: [], hereCount: 1, frozen: true },
    ])
  })

  test('G111 under another name everything is said again, with the former', () => {
    roster.join(1, '@ada', at(1))
    write(1)
    roster.linkFound({ bootId: 'me-again', previousBootIds: ['me'] }, at(50))
    const again = write(2)
    expect(again).toMatchObject({ range: { epoch: 'me-again', from: 0 }, hint: { formerly: ['me'] } })
    expect([...again.put.keys()]).toEqual(['@ada'])
    roster.timePassed(at(1000))
    expect(frames()).toHaveLength(1)
  })

  test('G113 after an outage all is said again, and a removal that may not have arrived as well', () => {
    roster.join(1, '@ada', at(1))
    roster.join(2, '@bob', at(1))
    write(1)
    roster.remove(2, at(5))
    const lost = write(2)
    roster.linkLost(at(6))
    roster.writeFailed(lost)
    roster.linkFound(me, at(50))
    const again = write(3)
    expect(again.range.from).toBe(0)
    expect([...again.put.keys()]).toEqual(['@ada'])
    expect([...again.left.keys()]).toEqual(['@bob'])
  })

  test('G114 fields of ours that should not be there are removed, those that are missing are written again', () => {
    roster.join(1, '@ada', at(1))
    write(1)
    take('writeHash')
    roster.readWanted(at(20))
    answerRead({ me: { '@ghost': entry(1) } }, 21)
    expect(take('removeOrphans')).toEqual([{ type: 'removeOrphans', orphans: new Map([['me', ['@ghost']]]) }])
    expect([...write(2).put.keys()]).toEqual(['@ada'])
  })

  test('G106 a write of very many is told without them', () => {
    for (let index = 0; index <= 200; index++) roster.join(index, `@b${index}`, at(1))
    const { put, hint } = write(1)
    expect(put.size).toBe(201)
    expect(hint.put).toBeUndefined()
  })

  test('G100 one whom another gateway had before is here since then', () => {
    roster.hintReceived(
      { range: { epoch: 'other', from: 0, to: 1 }, hint: { put: { '@ada': entry(3) }, left: {}, formerly: [] } },
      at(50),
    )
    roster.join(1, '@ada', at(60))
    expect(write(1).put.get('@ada')?.since).toBe(3)
    roster.join(2, '@bob', at(60))
    write(2)
    roster.hintReceived(
      { range: { epoch: 'other', from: 1, to: 2 }, hint: { put: { '@bob': entry(40) }, left: {}, formerly: [] } },
      at(70),
    )
    expect(write(3).put.get('@bob')?.since).toBe(40)
  })
})

describe('frames', () => {
  test('G102 one when the window ends', () => {
    roster.join(1, '@ada', at(5))
    roster.join(2, '@bob', at(9))
    expect(roster.wakesAtMs).toBe(15)
    roster.timePassed(at(14))
    expect(frames()).toEqual([])
    roster.timePassed(at(15))
    expect(frames()).toMatchObject([{ joined: [{ being: '@ada' }, { being: '@bob' }], hereCount: 2 }])
  })

  test('G113 an answer to a read that was overtaken is no answer', () => {
    roster.linkLost(at(10))
    roster.linkFound(me, at(20))
    const [first] = take('readHash')
    roster.linkLost(at(30))
    roster.linkFound(me, at(40))
    roster.readDone(first?.readSeq ?? 0, hash({ a: { '@ghost': entry(1) } }), trusted, at(50))
    expect(roster.isExact).toBe(false)
    answerRead({}, 60)
    expect(roster.isExact).toBe(true)
    expect(frames().map(({ frozen }) => frozen)).toEqual([true, false])
  })

  test('G112 what was only added to is read once more when Redis is trusted again, also if that read is under way', () => {
    const ada = { '@ada': entry(3) }
    roster.hintReceived({ range: { epoch: 'a', from: 0, to: 3 }, hint: { put: ada, left: {}, formerly: [] } }, at(1))
    roster.timePassed(at(20))
    frames()
    roster.linkLost(at(30))
    roster.linkFound(me, at(40))
    const [first] = take('readHash')
    roster.trustRestored(at(1540))
    expect(take('readHash')).toEqual([])
    const none = { ...hash({}), leases: new Map([['a', []]]) }
    roster.readDone(first?.readSeq ?? 0, none, { leases: false, entries: false }, at(1550))
    expect(roster.isExact).toBe(false)
    const [second] = take('readHash')
    roster.readDone(second?.readSeq ?? 0, none, trusted, at(1560))
    expect(roster.isExact).toBe(true)
    expect(frames()).toMatchObject([{ frozen: true }, { left: ['@ada'], frozen: false }])
    roster.trustRestored(at(1600))
    expect(take('readHash')).toEqual([])
  })

  test('G106 the window grows with the space, so that its clients are sent a bounded number of frames a second', () => {
    expect(windowFor(200, settings)).toBe(10)
    expect(windowFor(2000, settings)).toBe(100)
    expect(windowFor(10_000_000, settings)).toBe(5000)
  })
})

describe('leaving', () => {
  test('G108 who leaves through us is reported, whether it is here through others or not, and once', () => {
    roster.join(1, '@ada', at(1))
    roster.hintReceived(
      { range: { epoch: 'other', from: 0, to: 1 }, hint: { put: { '@ada': entry(3) }, left: {}, formerly: [] } },
      at(50),
    )
    roster.leave(1, at(60))
    roster.timePassed(at(159))
    expect(take('reportLastSeen')).toEqual([])
    roster.timePassed(at(160))
    expect(take('reportLastSeen')).toEqual([{ type: 'reportLastSeen', being: '@ada', at: 60 }])
    roster.written(write(1), at(170))
    roster.unwatch(at(200))
    expect(take('reportLastSeen')).toEqual([])
    expect(roster.count).toBe(0)
  })

  test('G108 the gateway whose connection was the last reports, also of a space that nobody watches any more', () => {
    roster.join(1, '@ada', at(1))
    roster.unwatch(at(10))
    roster.leave(1, at(20))
    roster.timePassed(at(120))
    expect(take('reportLastSeen')).toEqual([{ type: 'reportLastSeen', being: '@ada', at: 20 }])
    write(1)
    expect(roster.isIdle).toBe(true)
  })

  test('G104 who stayed through us while nobody watched is listed again when somebody does', () => {
    roster.join(1, '@ada', at(1))
    roster.unwatch(at(10))
    roster.watch()
    roster.join(1, '@ada', at(20))
    roster.channelJoined(at(20))
    answerRead({ me: { '@ada': entry(1) } }, 21)
    expect(roster.answer([])).toMatchObject({ here: [{ being: '@ada', since: 1 }], hereCount: 1, frozen: false })
  })

  test('G110 all of a gateway that is gone leave together, soon also in a big space', () => {
    const put = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`@b${index}`, entry(1)]))
    roster.hintReceived({ range: { epoch: 'other', from: 0, to: 1 }, hint: { put, left: {}, formerly: [] } }, at(50))
    roster.timePassed(at(60))
    frames()
    roster.gatewayGone('other', at(100))
    expect(roster.wakesAtMs).toBe(110)
    roster.timePassed(at(110))
    expect(frames()).toMatchObject([{ joined: [], left: Object.keys(put), hereCount: 0 }])
  })
})
