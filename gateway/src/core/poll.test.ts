import { momentAt } from '@rhizom/machine/testing'
import { describe, expect, test } from 'vitest'
import { type PollEvent, pollWakesAtMs, startPoll, stepPoll } from './poll.ts'

const settings = { quickMs: 1000, slowMs: 30_000, gatherMs: 20 }
const answered: PollEvent = { type: 'pollAnswered' }
const start = startPoll(0, 0.5, settings)
const wakes = (state: typeof start): number | undefined => pollWakesAtMs(state)

describe('asking for heads', () => {
  test('G41 seldom while the bus is up, spread', () => {
    expect(wakes(start)).toBe(30_000)
    expect(wakes(startPoll(0, 0, settings))).toBe(22_500)
    const asked = stepPoll(start, { type: 'timePassed' }, momentAt(30_000), settings)
    expect(asked.effects).toEqual([{ type: 'ask' }])
    expect(wakes(asked.state)).toBeUndefined()
    expect(wakes(stepPoll(asked.state, answered, momentAt(30_100), settings).state)).toBe(60_100)
  })

  test('G41 at once and then about once a second while the bus is away', () => {
    const lost = stepPoll(start, { type: 'busLost' }, momentAt(5000), settings)
    expect(lost.effects).toEqual([{ type: 'ask' }])
    const next = stepPoll(lost.state, answered, momentAt(5010), settings)
    expect(wakes(next.state)).toBe(6010)
    expect(wakes(stepPoll(lost.state, { type: 'pollFailed' }, momentAt(5010), settings).state)).toBe(6010)
    expect(stepPoll(next.state, { type: 'busLost' }, momentAt(5020), settings)).toEqual({
      state: next.state,
      effects: [],
    })
  })

  test('G41 once more after the bus is back, also when an older question is under way', () => {
    const lost = stepPoll(start, { type: 'busLost' }, momentAt(5000), settings).state
    const back = stepPoll(lost, { type: 'busRecovered' }, momentAt(5005), settings)
    expect(back.effects).toEqual([])
    const again = stepPoll(back.state, answered, momentAt(5010), settings)
    expect(again.effects).toEqual([{ type: 'ask' }])
    expect(wakes(stepPoll(again.state, answered, momentAt(5020), settings).state)).toBe(35_020)
  })

  test('G41 checks of many channels are gathered into one question', () => {
    const one = stepPoll(start, { type: 'checkWanted' }, momentAt(100), settings).state
    const two = stepPoll(one, { type: 'checkWanted' }, momentAt(110), settings).state
    expect(wakes(two)).toBe(120)
    expect(stepPoll(two, { type: 'timePassed' }, momentAt(119), settings).effects).toEqual([])
    expect(stepPoll(two, { type: 'timePassed' }, momentAt(120), settings).effects).toEqual([{ type: 'ask' }])
  })

  test('G41 a failed question is asked again soon, also while the bus is up', () => {
    const asked = stepPoll(start, { type: 'timePassed' }, momentAt(30_000), settings).state
    expect(wakes(stepPoll(asked, { type: 'pollFailed' }, momentAt(30_000), settings).state)).toBe(31_000)
  })
})
