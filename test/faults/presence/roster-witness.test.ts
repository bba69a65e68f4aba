import type { PresenceFrame } from '@rhizom/kit/roster-account.ts'
import type { Here } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { Attendance, Pulse } from './attendance.ts'
import { type Absence, type Departure, RosterWitness } from './roster-witness.ts'

const SPACE = '@lobby'
const one = (being: string, since = 1, state: Here['state'] = {}): Here => ({ being, since, state })
const answer = (...here: Here[]) => ({ here, hereCount: here.length })

const frame = (hereCount: number, more: Partial<PresenceFrame> = {}): PresenceFrame => ({
  type: 'presence',
  space: SPACE,
  joined: [],
  left: [],
  updated: [],
  frozen: false,
  ...more,
  hereCount,
})

/** Was told that Ada and Bob are here, and that nothing is new about them since. */
function settled(): RosterWitness {
  const witness = new RosterWitness(SPACE)
  witness.answered(answer(one('@ada'), one('@bob')), 1_000)
  witness.changed(frame(2), 1_010)
  return witness
}

/** A time as a gateway tells it. */
const since = (at: number): number => at + performance.timeOrigin

const departuresOf = ({ departures }: RosterWitness): string[] => departures.map(({ being, how }) => `${being} ${how}`)

/** To the millisecond. */
const explanations = ({ departures }: RosterWitness): Absence[][] =>
  departures.map(({ explainedBy }) => explainedBy.map((one) => ({ ...one, from: Math.round(one.from) })))

test('F29 what does not follow from the list is kept with its space and time, what follows is not', () => {
  const witness = settled()
  witness.changed(frame(3, { joined: [one('@cleo')] }), 2_000)
  witness.changed(frame(3, { joined: [one('@cleo')] }), 2_100)
  expect(witness.malformed).toHaveLength(1)
  expect(witness.malformed[0]).toContain(SPACE)
  witness.forget()
  expect(witness.malformed).toEqual([])
})

test('F28 who leaves by a frame, is missing in a later answer, or came only later, has departed', () => {
  const witness = settled()
  witness.changed(frame(1, { left: ['@ada'] }), 2_000)
  witness.changed(frame(1, { updated: [one('@bob', 7)] }), 2_100)
  witness.lost(3_000)
  witness.answered(answer(one('@cleo')), 3_500)
  expect(departuresOf(witness)).toEqual(['@ada left', '@bob later', '@bob unlisted'])
  expect(witness.departures.map(({ at }) => at)).toEqual([2_000, 2_100, 3_500])
})

test('F28 an answer that is frozen calls nobody away, the frame that thaws it does', () => {
  const witness = settled()
  witness.lost(3_000)
  witness.answered(answer(), 3_500)
  witness.changed(frame(0, { frozen: true }), 3_501)
  expect(departuresOf(witness)).toEqual([])
  expect(witness.roster.status).toBe('frozen')
  witness.answered(answer(one('@ada'), one('@bob')), 3_600)
  witness.changed(frame(2, { frozen: true }), 3_601)
  witness.changed(frame(1, { left: ['@bob'] }), 4_000)
  expect(departuresOf(witness)).toEqual(['@bob left'])
})

test('F28 what explains a departure may lie as far back as the client was not told exactly', () => {
  const witness = settled()
  witness.changed(frame(2, { frozen: true }), 20_000)
  witness.changed(frame(1, { left: ['@ada'] }), 30_000)
  witness.changed(frame(0, { left: ['@bob'] }), 31_000)
  expect(witness.departures.map(({ explainedBy }) => explainedBy[0])).toEqual([
    { from: 15_000, to: 30_000 },
    { from: 26_000, to: 31_000 },
  ])
})

test('F28 an absence that was over when somebody was told to be here explains no departure', () => {
  const witness = settled()
  witness.changed(frame(3, { joined: [one('@cleo', since(19_990))] }), 20_000)
  witness.changed(frame(2, { left: ['@cleo'] }), 21_500)
  witness.lost(22_000)
  witness.answered(answer(one('@ada'), one('@bob'), one('@dora', since(22_990))), 23_000)
  witness.changed(frame(2, { left: ['@dora'] }), 23_400)
  expect(explanations(witness)).toEqual([
    [
      { from: 20_000, to: 21_500 },
      { from: 19_990, to: 21_500, begins: true },
    ],
    [
      { from: 20_500, to: 23_400 },
      { from: 22_990, to: 23_400, begins: true },
    ],
  ])
})

test('F28 who came and went while a client read nothing has departed by an absence that began after the coming', () => {
  const witness = settled()
  const attendance = new Attendance()
  const stay = (from: number, to: number): void => {
    const pulse = new Pulse(from)
    for (let at = from; at < to; at += 500) pulse.heard(at)
    pulse.end(to)
    attendance.enter({ space: SPACE, being: '@cleo', gateway: 0, from, pulse }).to = to
  }
  stay(37_600, 37_900)
  stay(39_500, 60_000)
  const isExplained = ({ explainedBy }: Departure): boolean =>
    explainedBy.some((absence) => attendance.wasAway(SPACE, '@cleo', absence, 950, 45_000))
  const [came, cameAgain] = [one('@cleo', since(37_600)), one('@cleo', since(39_500))]
  witness.changed(frame(3, { joined: [came] }), 39_700)
  witness.changed(frame(2, { left: ['@cleo'] }), 39_701)
  witness.changed(frame(3, { joined: [cameAgain] }), 39_702)
  // The absence that ended with her coming does not explain that she is called away again.
  witness.changed(frame(2, { left: ['@cleo'] }), 40_500)
  expect(witness.departures.map(isExplained)).toEqual([true, false])
})

test('F28 a later time is explained by an absence that began after the time told before, however late that was told', () => {
  const witness = settled()
  // A gateway that stalled tells late that she came, and at once that she came again.
  witness.changed(frame(3, { joined: [one('@cleo', since(20_000))] }), 23_900)
  witness.changed(frame(3, { updated: [one('@cleo', since(23_500))] }), 24_000)
  expect(departuresOf(witness)).toEqual(['@cleo later'])
  expect(explanations(witness)).toEqual([[{ from: 20_000, to: 24_000, begins: true }]])
})

test('F28 times told after a freeze say nothing, those told later do', () => {
  const witness = settled()
  witness.changed(frame(2, { frozen: true }), 20_000)
  witness.changed(frame(2, { updated: [one('@ada', 9)] }), 24_000)
  expect(departuresOf(witness)).toEqual([])
  witness.changed(frame(2, { updated: [one('@ada', 10)] }), 24_100)
  expect(departuresOf(witness)).toEqual(['@ada later'])
})
