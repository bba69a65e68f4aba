import type { Here } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { type PresenceFrame, RosterAccount } from './roster-account.ts'

const one = (being: string, since = 1, state: Here['state'] = {}): Here => ({ being, since, state })
const answer = (...here: Here[]) => ({ here, hereCount: here.length })

const frame = (hereCount: number, more: Partial<PresenceFrame> = {}): PresenceFrame => ({
  type: 'presence',
  space: '@lobby',
  joined: [],
  left: [],
  updated: [],
  frozen: false,
  ...more,
  hereCount,
})

/** Was told that Ada and Bob are here, and that nothing is new about them since. */
function settled(): RosterAccount {
  const roster = new RosterAccount()
  roster.answered(answer(one('@ada'), one('@bob')))
  roster.changed(frame(2))
  return roster
}

test('F29 frames that follow from the list alter it and give no finding', () => {
  const roster = settled()
  const readings = [
    roster.changed(frame(3, { joined: [one('@cleo', 5)] })),
    roster.changed(frame(3, { updated: [one('@cleo', 5, { mood: 'away' })] })),
    roster.changed(frame(2, { left: ['@ada'] })),
    roster.changed(frame(2, { frozen: true })),
  ]
  expect([...roster.list.values()]).toEqual([one('@bob'), one('@cleo', 5, { mood: 'away' })])
  expect(readings.flatMap(({ wrong, strangers }) => [...wrong, ...strangers])).toEqual([])
  expect(readings.flatMap(({ came }) => came)).toEqual(['@cleo'])
  expect(readings.flatMap(({ gone }) => gone)).toEqual([{ one: one('@ada'), how: 'left' }])
  expect(roster.status).toBe('frozen')
})

test.each<[string, PresenceFrame]>([
  ['a join of somebody who is there', frame(2, { joined: [one('@ada')] })],
  ['an update of somebody who is not there', frame(2, { updated: [one('@cleo')] })],
  ['a leave and a join at once', frame(2, { left: ['@ada'], joined: [one('@ada')] })],
  ['a count above the list', frame(3)],
  ['a count below the list', frame(1)],
  ['a frozen frame that alters the list', frame(1, { left: ['@ada'], frozen: true })],
])('F29 %s is found', (_name, bad) => {
  expect(settled().changed(bad).wrong).toHaveLength(1)
})

test('F29 an answer that lists somebody twice, and a frame before any answer, are found', () => {
  const roster = new RosterAccount()
  expect(roster.changed(frame(0)).wrong).toHaveLength(1)
  expect(roster.answered({ here: [one('@ada'), one('@ada')], hereCount: 1 }).wrong).toHaveLength(1)
  roster.lost()
  expect(roster.changed(frame(1)).wrong).toHaveLength(1)
})

test('F29 a newcomer named in its own answer may be named once more to the others, and not again', () => {
  const roster = new RosterAccount()
  roster.answered(answer(one('@ada')))
  const joined = [one('@ada')]
  expect(roster.changed(frame(1, { joined, frozen: false })).wrong).toEqual([])
  expect(roster.changed(frame(1, { joined })).wrong).toHaveLength(1)
})

test('F29 who leaves and was not listed is told apart: others may have been told of it', () => {
  const { wrong, strangers } = settled().changed(frame(2, { left: ['@cleo'] }))
  expect([wrong, strangers]).toEqual([[], ['@cleo']])
})

test('F28 who is here no more, or only since later, has gone in between, by whichever way it is told', () => {
  const roster = settled()
  const told = [
    roster.changed(frame(1, { left: ['@ada'] })),
    roster.changed(frame(1, { updated: [one('@bob', 7)] })),
    roster.answered(answer(one('@cleo'))),
    roster.changed(frame(1, { joined: [one('@cleo', 9)] })),
    roster.answered(answer(one('@cleo', 10))),
  ]
  const gone = told.flatMap((reading) => reading.gone.map(({ one: { being }, how }) => `${being} ${how}`))
  expect(gone).toEqual(['@ada left', '@bob later', '@bob unlisted', '@cleo later', '@cleo later'])
})

test('F29 past the limit the list is a sample: of as many as the limit, once a frame has come', () => {
  const listed = (count: number): Here[] => Array.from({ length: count }, (_, index) => one(`@b${index}`))
  const roster = new RosterAccount(20)
  expect(roster.answered({ here: listed(1), hereCount: 500 }).wrong).toEqual([])
  expect(roster.changed(frame(500)).wrong).toHaveLength(1)
  expect(roster.answered({ here: listed(20), hereCount: 500 }).wrong).toEqual([])
  expect(roster.changed(frame(500)).wrong).toEqual([])
  expect(roster.changed(frame(500, { frozen: true })).wrong).toEqual([])
  expect(roster.answered({ here: listed(22), hereCount: 21 }).wrong).toHaveLength(1)
})
