import { expect, test } from 'vitest'
import { type Clock, momentOf } from './clock.ts'
import type { Machine } from './machine.ts'
import { Runner } from './runner.ts'
import { ManualClock } from './testing/manual-clock.ts'

type Event = { type: 'said'; word: string } | { type: 'asked'; wakesAtMs: number | undefined }
interface State {
  words: readonly string[]
  wakesAtMs: number | undefined
}

/** Keeps what was said; says "throw" loudly; wakes when it was asked to. */
const echo: Machine<State, Event, string> = {
  step(state, event, { nowMs }) {
    switch (event.type) {
      case 'said':
        if (event.word === 'throw in step') throw new Error('step')
        return { state: { ...state, words: [...state.words, event.word] }, effects: [event.word, `${event.word}!`] }
      case 'asked':
        return { state: { ...state, wakesAtMs: event.wakesAtMs }, effects: [] }
      case 'timePassed':
        return { state: { ...state, wakesAtMs: undefined }, effects: [`woke at ${nowMs}`] }
      default:
        return event satisfies never
    }
  },
  wakesAtMs: (state) => state.wakesAtMs,
}

function setUp(clock: Clock, onEffect: (effect: string, runner: Runner<State, Event, string>) => void = () => {}) {
  const done: string[] = []
  const faults: string[] = []
  const runner: Runner<State, Event, string> = new Runner({
    machine: echo,
    initial: { words: [], wakesAtMs: undefined },
    clock,
    random: () => 0,
    carryOut: (effect) => {
      done.push(effect)
      onEffect(effect, runner)
    },
    faulted: (error) => void faults.push(String(error)),
    changed: () => {},
  })
  return { runner, done, faults }
}

test('M1 what an effect brings about waits until the step is done', () => {
  const { runner, done } = setUp(new ManualClock(), (effect, self) => {
    if (effect === 'a') self.dispatch({ type: 'said', word: 'b' })
  })
  runner.dispatch({ type: 'said', word: 'a' })
  expect(done).toEqual(['a', 'a!', 'b', 'b!'])
})

test('M2 a fault costs neither the effects behind it nor the events nor the timer', () => {
  const clock = new ManualClock()
  const { runner, done, faults } = setUp(clock, (effect, self) => {
    if (effect !== 'a') return
    self.dispatch({ type: 'said', word: 'throw in step' })
    self.dispatch({ type: 'said', word: 'b' })
    self.dispatch({ type: 'asked', wakesAtMs: 50 })
    throw new Error('effect')
  })
  runner.dispatch({ type: 'said', word: 'a' })
  expect(faults).toEqual(['Error: effect', 'Error: step'])
  expect(done).toEqual(['a', 'a!', 'b', 'b!'])
  expect(runner.state.words).toEqual(['a', 'b'])
  clock.advance(50)
  expect(done.at(-1)).toBe('woke at 50')
})

test('M2 a runner whose handler of faults throws goes on all the same', () => {
  const runner: Runner<State, Event, string> = new Runner({
    machine: echo,
    initial: { words: [], wakesAtMs: undefined },
    clock: new ManualClock(),
    random: () => 0,
    carryOut: () => {},
    faulted: (error) => {
      throw error
    },
    changed: () => {},
  })
  expect(() => runner.dispatch({ type: 'said', word: 'throw in step' })).toThrow('step')
  runner.dispatch({ type: 'said', word: 'b' })
  expect(runner.state.words).toEqual(['b'])
})

test('M3 it wakes at its time, also if that moved to and fro, and the date does not matter', () => {
  const clock = new ManualClock(0, 1_800_000_000_000)
  const { runner, done } = setUp(clock)
  runner.dispatch({ type: 'asked', wakesAtMs: 100 })
  runner.dispatch({ type: 'asked', wakesAtMs: 300 })
  clock.stepDate(-3_600_000)
  clock.advance(299)
  expect(done).toEqual([])
  clock.advance(1)
  expect(done).toEqual(['woke at 300'])
  runner.dispatch({ type: 'asked', wakesAtMs: 900 })
  runner.dispatch({ type: 'asked', wakesAtMs: 400 })
  clock.stepDate(7_200_000)
  clock.advance(100)
  expect(done).toEqual(['woke at 300', 'woke at 400'])
  runner.dispatch({ type: 'asked', wakesAtMs: undefined })
  expect(clock.timers).toBe(0)
})

test('M4 a stopped runner does nothing and leaves no timer', () => {
  const clock = new ManualClock()
  const { runner, done } = setUp(clock, (effect, self) => {
    if (effect === 'a') self.stop()
  })
  runner.dispatch({ type: 'asked', wakesAtMs: 10 })
  runner.dispatch({ type: 'said', word: 'a' })
  runner.dispatch({ type: 'said', word: 'b' })
  clock.advance(100)
  expect(done).toEqual(['a'])
  expect(clock.timers).toBe(0)
})

test('M7 chance is drawn once a step, and only if somebody asks', () => {
  let drawn = 0
  const random = (): number => ++drawn / 10
  const first = momentOf(new ManualClock(), random)
  expect(drawn).toBe(0)
  expect([first.random, first.random]).toEqual([0.1, 0.1])
  expect(drawn).toBe(1)
})
