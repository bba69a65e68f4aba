import { expect, test } from 'vitest'
import { Attendance, Pulse, type Stay } from './attendance.ts'
import { blinksOf, problemsOfVanished, type Vanished } from './departure-verdict.ts'
import { RosterWitness } from './roster-witness.ts'
import { GRACE_MS, LEASE_MS } from './settings.ts'

const SPACE = '@lobby'
const NOW = 60_000

/** A connection that hears something twice a second, from a time until another, or until now. */
function connected(attendance: Attendance, from: number, to: number | undefined, gateway = 0, being = '@ada'): Stay {
  const pulse = new Pulse(from)
  for (let at = from; at < (to ?? NOW); at += 500) pulse.heard(at)
  if (to !== undefined) pulse.end(to)
  return attendance.enter({ space: SPACE, being, gateway, pulse, from })
}

const wasAway = (attendance: Attendance, from: number, to: number): boolean =>
  attendance.wasAway(SPACE, '@ada', { from, to }, GRACE_MS, NOW)

test('F28 who has any connection left is not away, whatever became of the others', () => {
  const attendance = new Attendance()
  connected(attendance, 1_000, 20_000)
  connected(attendance, 15_000, undefined, 1)
  connected(attendance, 30_000, 40_000, 2, '@bob')
  expect(wasAway(attendance, 2_000, NOW)).toBe(false)
  expect(attendance.wasAway(SPACE, '@bob', { from: 50_000, to: NOW }, GRACE_MS, NOW)).toBe(true)
  expect(attendance.wasAway('@garden', '@ada', { from: 2_000, to: NOW }, GRACE_MS, NOW)).toBe(true)
})

test('F28 an absence counts from the grace on, and only where it may explain what was told', () => {
  const attendance = new Attendance()
  connected(attendance, 1_000, 20_000)
  connected(attendance, 20_000 + GRACE_MS - 1, 40_000)
  connected(attendance, 40_000 + GRACE_MS, undefined)
  expect(wasAway(attendance, 15_000, 35_000)).toBe(false)
  expect(wasAway(attendance, 35_000, 40_500)).toBe(true)
  expect(wasAway(attendance, 42_000, NOW)).toBe(false)
})

test('F28 an absence that is to begin in a time does not merely end in it', () => {
  const attendance = new Attendance()
  connected(attendance, 1_000, 20_000)
  connected(attendance, 25_000, undefined)
  const within = (from: number): boolean =>
    attendance.wasAway(SPACE, '@ada', { from, to: 30_000, begins: true }, GRACE_MS, NOW)
  expect([within(19_000), within(22_000)]).toEqual([true, false])
})

test('F28 a connection over which nothing came for long may have been lost, one that was quiet was not', () => {
  const attendance = new Attendance()
  const pulse = new Pulse(1_000)
  for (const at of [1_500, 2_500, 3_500, 7_000, 8_000]) pulse.heard(at)
  pulse.end(8_200)
  const stay = attendance.enter({ space: SPACE, being: '@ada', gateway: 0, pulse, from: 1_000 })
  connected(attendance, 8_200, undefined)
  expect(wasAway(attendance, 1_500, 3_000)).toBe(false)
  expect(wasAway(attendance, 3_600, 3_700)).toBe(true)
  expect(wasAway(attendance, 7_100, NOW)).toBe(false)
  stay.to = 2_000
  expect(wasAway(attendance, 2_100, 3_000)).toBe(true)
})

test('F28 what goes through a gateway that is cut off from Redis counts for nothing meanwhile', () => {
  const attendance = new Attendance()
  connected(attendance, 1_000, undefined, 1)
  expect(wasAway(attendance, 10_000, 20_000)).toBe(false)
  attendance.cutOff(1, 9_000, 15_000)
  expect(wasAway(attendance, 10_000, 20_000)).toBe(true)
  connected(attendance, 1_000, undefined, 2)
  expect(wasAway(attendance, 10_000, 20_000)).toBe(false)
})

test('F28 what is let go of is what ended long ago', () => {
  const attendance = new Attendance()
  connected(attendance, 1_000, 5_000)
  connected(attendance, 4_000, undefined)
  attendance.forget(NOW - 10_000, NOW)
  expect(wasAway(attendance, 20_000, NOW)).toBe(false)
  expect(wasAway(attendance, 2_000, 3_000)).toBe(true)
})

/** A client that was told that Ada and Bob are here, and then that some left. */
function told(name: string, gateway: number, ...frames: { at: number; left: string[] }[]) {
  const roster = new RosterWitness(SPACE)
  roster.answered({ here: ['@ada', '@bob'].map((being) => ({ being, since: 1, state: {} })), hereCount: 2 }, 1_000)
  for (const { at, left } of frames)
    roster.changed(
      {
        type: 'presence',
        space: SPACE,
        joined: [],
        left,
        updated: [],
        hereCount: roster.roster.list.size - left.length,
        frozen: false,
      },
      at,
    )
  return { name, gateway, roster }
}

test('F28 somebody called away is a blink, unless it was away for the grace', () => {
  const attendance = new Attendance()
  connected(attendance, 500, undefined)
  connected(attendance, 500, 30_000, 0, '@bob')
  const client = told('lobby-1', 0, { at: 31_200, left: ['@bob'] }, { at: 40_000, left: ['@ada'] })
  const blinks = blinksOf(client, attendance, NOW)
  expect(blinks.map(({ who }) => who)).toEqual(['@lobby @ada'])
  expect(blinks[0]?.problem).toMatch(/lobby-1 was told at \d\d:\d\d:\d\d\.\d{3} that @ada left in @lobby/)
})

test('F28 F35 what the machine owed counts as away, and nobody is away who never was', () => {
  const attendance = new Attendance()
  connected(attendance, 500, 30_000)
  connected(attendance, 30_700, undefined, 1)
  connected(attendance, 500, 30_000, 0, '@bob')
  connected(attendance, 30_050, undefined, 1, '@bob')
  const client = told('lobby-1', 2, { at: 30_690, left: ['@ada', '@bob'] })
  const blinks = (owedMs: number): string[] =>
    blinksOf(client, attendance, NOW, (from, to) => (from <= 30_000 && to >= 30_000 ? owedMs : 0)).map(({ who }) => who)
  expect(blinks(0)).toEqual(['@lobby @ada', '@lobby @bob'])
  expect(blinks(200)).toEqual(['@lobby @ada', '@lobby @bob'])
  expect(blinks(300)).toEqual(['@lobby @bob'])
  expect(blinks(5_000)).toEqual(['@lobby @bob'])
})

const group: Vanished = { gateway: 2, space: SPACE, beings: ['@ada', '@bob'], at: 10_000, livesOn: false }

test('F31 those of a dead gateway who leave in one frame and in time give no finding', () => {
  const clients = [told('lobby-1', 0, { at: 13_000, left: ['@bob', '@ada'] }), told('lobby-2', 2)]
  expect(problemsOfVanished(group, clients)).toEqual([])
})

test.each<[string, { at: number; left: string[] }[]]>([
  [
    'one after the other',
    [
      { at: 13_000, left: ['@ada'] },
      { at: 13_100, left: ['@bob'] },
    ],
  ],
  ['too late', [{ at: 10_000 + LEASE_MS + 1_001, left: ['@ada', '@bob'] }]],
  ['in part', [{ at: 13_000, left: ['@ada'] }]],
  ['unseen', []],
])('F31 those of a dead gateway who leave %s are found', (_name, frames) => {
  expect(problemsOfVanished(group, [told('lobby-1', 0, ...frames)])).not.toEqual([])
})

test('F31 a gateway that lives on may tell again of those it did not know to be gone', () => {
  const roster = told('lobby-1', 0, { at: 13_000, left: ['@ada', '@bob'] })
  roster.roster.leaveFrames.push({ at: 17_000, left: ['@ada'] })
  expect(problemsOfVanished({ ...group, livesOn: true }, [roster])).toEqual([])
  expect(problemsOfVanished(group, [roster])).toHaveLength(1)
})
