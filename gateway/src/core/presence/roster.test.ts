import type { TimePassed } from '@rhizom/machine'
import { momentAt } from '@rhizom/machine/testing'
import type { PresenceEntry, PresenceHint } from '@rhizom/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Trust } from './lease.ts'
import type { PresenceWrite } from './local.ts'
import type { PresenceRead } from './remote.ts'
import { type PresenceFrame, Roster, type RosterEffect, type RosterEvent, rosterMachine, windowFor } from './roster.ts'

type Parts = Record<string, Record<string, PresenceEntry>>

const settings = { graceMs: 100, windowMs: 10, listLimit: 200 }
const me = { bootId: 'me', previousBootIds: [] }
let roster: Roster
let effects: RosterEffect[]

/** Something happens to the roster, and what is due is done. */
const happen = (nowMs: number, event: RosterEvent | TimePassed): void =>
  void effects.push(...rosterMachine.step({ roster }, event, momentAt(nowMs)).effects)
const pass = (nowMs: number): void => happen(nowMs, { type: 'timePassed' })
const take = <Type extends RosterEffect['type']>(type: Type): Extract<RosterEffect, { type: Type }>[] => {
  const is = (effect: RosterEffect): effect is Extract<RosterEffect, { type: Type }> => effect.type === type
  const taken = effects.filter(is)
  effects = effects.filter((effect) => !is(effect))
  return taken
}
const frames = (): PresenceFrame[] => take('sendFrame').map(({ frame }) => frame)
const entry = (since: number, rev = 1, setAt = 0): PresenceEntry => ({ state: {}, since, setAt, rev })
const hash = (parts: Parts): PresenceRead => ({
  entries: new Map(Object.entries(parts).map(([boot, beings]) => [boot, new Map(Object.entries(beings))] as const)),
  leases: new Map(Object.keys(parts).map((boot) => [boot, []] as const)),
  heartbeats: new Map(),
})
const answer = (nowMs: number, read: PresenceRead, trust: Trust = 'leases', asked = take('readHash').at(-1)): void =>
  happen(nowMs, { type: 'readAnswered', readSeq: asked?.readSeq ?? 0, read, trust })
const join = (nowMs: number, connection: number, being: string): void =>
  happen(nowMs, { type: 'joined', connection, being })
const leave = (nowMs: number, connection: number, being: string): void =>
  happen(nowMs, { type: 'left', connection, being })
const remove = (nowMs: number, being: string): void =>
  happen(nowMs, { type: 'restricted', mayStay: (one) => one !== being })
const hear = (nowMs: number, from: number, to: number, put: PresenceHint['put'], epoch = 'other'): void =>
  happen(nowMs, { type: 'hintReceived', range: { epoch, from, to }, hint: { put, left: {}, formerly: [] } })
const write = (to: number): PresenceWrite => {
  const made = roster.local.takeWrite('@s', to)
  if (made === undefined) throw new Error('nothing to write')
  return made
}
const written = (nowMs: number, write: PresenceWrite): void => happen(nowMs, { type: 'written', write })

beforeEach(() => {
  effects = []
  roster = new Roster('@s', me, 'down', settings)
  happen(0, { type: 'linkFound', identity: me, isRecovering: false })
  happen(0, { type: 'watched' })
  happen(0, { type: 'readWanted' })
  answer(0, hash({}))
  roster.answer([])
})

describe('writes', () => {
  test('G105 what came together is one write; each follows the one before it', () => {
    join(1, 1, '@ada')
    join(1, 2, '@bob')
    expect(take('writeHash').length).toBeGreaterThan(0)
    expect(write(7)).toMatchObject({ range: { epoch: 'me', from: 0, to: 7 }, isWhole: true })
    remove(2, '@ada')
    const second = write(12)
    expect(second).toMatchObject({ range: { from: 7, to: 12 }, isWhole: false, hint: { put: {}, left: { '@ada': 2 } } })
    expect([...second.left]).toEqual([['@ada', 2]])
    expect(roster.local.takeWrite('@s', 13)).toBeUndefined()
    take('writeHash')
    pass(3)
    expect(take('writeHash')).toEqual([])
  })

  test('G118 who left is told to have left when Redis has it, and not before', () => {
    join(1, 1, '@ada')
    written(2, write(1))
    pass(20)
    frames()
    leave(30, 1, '@ada')
    pass(500)
    const left = write(2)
    expect([...left.left]).toEqual([['@ada', 30]])
    expect(take('reportLastSeen')).toMatchObject([{ being: '@ada', at: 30 }])
    pass(1000)
    expect(frames()).toEqual([])
    written(1001, left)
    pass(1100)
    expect(frames()).toMatchObject([{ left: ['@ada'], hereCount: 0 }])
    expect(take('reportLastSeen')).toEqual([])
  })

  test('G118 one who is back before Redis took the leave has not left', () => {
    join(1, 1, '@ada')
    pass(20)
    frames()
    remove(30, '@ada')
    const left = write(2)
    join(31, 2, '@ada')
    written(40, left)
    pass(1000)
    expect(frames()).toEqual([])
    expect(write(3).put.get('@ada')).toMatchObject({ since: 1 })
  })

  test('G118 a leave that Redis has not taken yet when nobody looks any more keeps the roster until it has', () => {
    join(1, 1, '@ada')
    remove(30, '@ada')
    happen(35, { type: 'unwatched' })
    const left = write(2)
    expect(roster.isIdle).toBe(false)
    written(40, left)
    expect(take('reportLastSeen')).toMatchObject([{ being: '@ada', at: 30 }])
    expect(roster.isIdle).toBe(true)
  })

  test('G113 what an answer told already is told to all before the word that the roster is frozen', () => {
    join(1, 1, '@ada')
    expect(roster.answer(['@ada'])).toMatchObject({ hereCount: 1 })
    happen(2, { type: 'linkLost' })
    expect(frames()).toMatchObject([
      { joined: [{ being: '@ada' }], hereCount: 1, frozen: false },
      { joined: [], hereCount: 1, frozen: true },
    ])
  })

  test('G113 while Redis is away nothing is written and nothing is read', () => {
    happen(2, { type: 'linkLost' })
    join(3, 1, '@ada')
    happen(4, { type: 'readWanted' })
    expect([take('writeHash'), take('readHash')]).toEqual([[], []])
    happen(5, { type: 'linkFound', identity: me, isRecovering: false })
    expect([take('writeHash').length, take('readHash').length]).toEqual([1, 1])
  })

  test('G111 under another name everything is said again, with the former', () => {
    join(1, 1, '@ada')
    write(1)
    happen(50, { type: 'linkFound', identity: { bootId: 'me-again', previousBootIds: ['me'] }, isRecovering: false })
    const again = write(2)
    expect(again).toMatchObject({ range: { epoch: 'me-again', from: 0 }, hint: { formerly: ['me'] } })
    expect([...again.put.keys()]).toEqual(['@ada'])
    pass(1000)
    expect(frames()).toHaveLength(1)
  })

  test('G113 after an outage all is said again, and a removal that may not have arrived as well', () => {
    join(1, 1, '@ada')
    join(1, 2, '@bob')
    write(1)
    remove(5, '@bob')
    write(2)
    happen(6, { type: 'linkLost' })
    happen(50, { type: 'linkFound', identity: me, isRecovering: false })
    const again = write(3)
    expect(again.range.from).toBe(0)
    expect([...again.put.keys()]).toEqual(['@ada'])
    expect([...again.left.keys()]).toEqual(['@bob'])
  })

  test('G112 who left while Redis was away is told of when the others had the time to say who is here', () => {
    join(1, 1, '@ada')
    join(1, 2, '@bob')
    written(2, write(1))
    happen(6, { type: 'linkLost' })
    leave(7, 2, '@bob')
    happen(7 + settings.graceMs, { type: 'timePassed' })
    happen(200, { type: 'linkFound', identity: me, isRecovering: true })
    const again = write(2)
    expect([[...again.put.keys()], [...again.left.keys()]]).toEqual([['@ada'], []])
    written(210, again)
    take('writeHash')
    leave(220, 1, '@ada')
    happen(220 + settings.graceMs, { type: 'timePassed' })
    expect(roster.local.takeWrite('@s', 3)).toBeUndefined()
    expect(take('writeHash')).toEqual([])
    expect(roster.isIdle).toBe(false)
    happen(1700, { type: 'trustRestored' })
    expect(take('writeHash')).toHaveLength(1)
    expect([...write(3).left.keys()]).toEqual(['@bob', '@ada'])
  })

  test('G114 fields of ours that should not be there are removed, those that are missing are written again', () => {
    join(1, 1, '@ada')
    write(1)
    take('writeHash')
    happen(20, { type: 'readWanted' })
    answer(21, hash({ me: { '@ghost': entry(1) } }))
    expect(take('writeHash')).toHaveLength(1)
    const { put, left } = write(2)
    expect([[...put.keys()], [...left.keys()]]).toEqual([['@ada'], ['@ghost']])
  })

  test('G106 a write of very many is told without them', () => {
    for (let index = 0; index <= 200; index++) join(1, index, `@b${index}`)
    const { put, hint } = write(1)
    expect(put.size).toBe(201)
    expect(hint.put).toBeUndefined()
  })

  test('G100 one whom another gateway had before is here since then, by a hint or by a read', () => {
    hear(50, 0, 1, { '@ada': entry(3) })
    join(60, 1, '@ada')
    expect(write(1).put.get('@ada')?.since).toBe(3)
    join(60, 2, '@bob')
    join(60, 3, '@cyd')
    write(2)
    hear(70, 1, 2, { '@bob': entry(40) })
    expect(write(3).put.get('@bob')?.since).toBe(40)
    happen(80, { type: 'readWanted' })
    answer(81, hash({ other: { '@cyd': entry(50) }, me: {} }))
    expect(write(4).put.get('@cyd')?.since).toBe(50)
  })
})

describe('frames', () => {
  test('G102 one when the window ends', () => {
    join(5, 1, '@ada')
    join(9, 2, '@bob')
    expect(roster.wakesAtMs).toBe(15)
    pass(14)
    expect(frames()).toEqual([])
    pass(15)
    expect(frames()).toMatchObject([{ joined: [{ being: '@ada' }, { being: '@bob' }], hereCount: 2 }])
  })

  test('G113 an answer to a read that was overtaken is no answer', () => {
    happen(10, { type: 'linkLost' })
    happen(20, { type: 'linkFound', identity: me, isRecovering: false })
    const [first] = take('readHash')
    happen(30, { type: 'linkLost' })
    happen(40, { type: 'linkFound', identity: me, isRecovering: false })
    answer(50, hash({ a: { '@ghost': entry(1) } }), 'leases', first)
    expect(roster.isExact).toBe(false)
    answer(60, hash({}))
    expect(roster.isExact).toBe(true)
    expect(frames().map(({ frozen }) => frozen)).toEqual([true, false])
  })

  test('G112 what was only added to is read once more when Redis is trusted again, also if that read is under way', () => {
    hear(1, 0, 3, { '@ada': entry(3) }, 'a')
    pass(20)
    frames()
    happen(30, { type: 'linkLost' })
    happen(40, { type: 'linkFound', identity: me, isRecovering: false })
    const [first] = take('readHash')
    happen(1540, { type: 'trustRestored' })
    expect(take('readHash')).toEqual([])
    const none = { ...hash({}), leases: new Map([['a', []]]) }
    answer(1550, none, 'nothing', first)
    expect(roster.isExact).toBe(false)
    answer(1560, none)
    expect(roster.isExact).toBe(true)
    expect(frames()).toMatchObject([{ frozen: true }, { left: ['@ada'], frozen: false }])
    happen(1600, { type: 'trustRestored' })
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
    join(1, 1, '@ada')
    hear(50, 0, 1, { '@ada': entry(3) })
    leave(60, 1, '@ada')
    pass(159)
    expect(take('reportLastSeen')).toEqual([])
    pass(160)
    expect(take('reportLastSeen')).toEqual([{ type: 'reportLastSeen', being: '@ada', at: 60 }])
    written(170, write(1))
    happen(200, { type: 'unwatched' })
    expect(take('reportLastSeen')).toEqual([])
  })

  test('G108 the gateway whose connection was the last reports, also of a space that nobody watches any more', () => {
    join(1, 1, '@ada')
    happen(10, { type: 'unwatched' })
    leave(20, 1, '@ada')
    pass(120)
    expect(take('reportLastSeen')).toEqual([{ type: 'reportLastSeen', being: '@ada', at: 20 }])
    written(130, write(1))
    expect(roster.isIdle).toBe(true)
  })

  test('G104 who stayed through us while nobody watched is listed again when somebody does', () => {
    join(1, 1, '@ada')
    happen(10, { type: 'unwatched' })
    happen(20, { type: 'watched' })
    join(20, 1, '@ada')
    happen(20, { type: 'readWanted' })
    answer(21, hash({ me: { '@ada': entry(1) } }))
    expect(roster.answer([])).toMatchObject({ here: [{ being: '@ada', since: 1 }], hereCount: 1, frozen: false })
  })

  test('G110 all of a gateway that is gone leave together, soon also in a big space', () => {
    const put = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`@b${index}`, entry(1)]))
    hear(50, 0, 1, put)
    pass(5050)
    frames()
    hear(5060, 0, 1, { '@dan': entry(2) }, 'third')
    expect(roster.wakesAtMs).toBe(5310)
    happen(5100, { type: 'gatewaysGone', boots: ['other'] })
    expect(roster.wakesAtMs).toBe(5110)
    pass(5110)
    expect(frames()).toMatchObject([{ joined: [{ being: '@dan' }], hereCount: 1 }])
  })

  test('G110 whoever finds entries of a gateway that is no more has somebody clear up after it', () => {
    happen(20, { type: 'readWanted' })
    answer(21, { ...hash({ dead: { '@bob': entry(1) } }), leases: new Map() })
    expect(take('cleanUpAfter')).toEqual([{ type: 'cleanUpAfter', boot: 'dead' }])
    expect(roster.answer([])).toMatchObject({ here: [], hereCount: 0, frozen: false })
  })
})
