import type { Machine } from '@rhizom/machine'
import { ManualClock } from '@rhizom/machine/testing'
import { expect, test } from 'vitest'
import { Stepper } from './stepper.ts'
import { TimerWheel, WHEEL } from './timer-wheel.ts'

type Event = { type: 'said'; word: string } | { type: 'asked'; wakesAtMs: number | undefined }
interface State {
  wakesAtMs: number | undefined
  words: number
}

/** Does what is said; throws when told to; wakes when it was asked to. */
const echo: Machine<State, Event, string> = {
  step(state, event, { nowMs }) {
    switch (event.type) {
      case 'said':
        if (event.word === 'throw in step') throw new Error('step')
        return { state: { ...state, words: state.words + 1 }, effects: [event.word, `${event.word}!`] }
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

class Echo extends Stepper<State, Event, string> {
  readonly done: string[] = []
  readonly faults: string[] = []
  readonly changes: number[] = []
  readonly #onEffect: (effect: string, self: Echo) => void

  constructor(clock: ManualClock, onEffect: (effect: string, self: Echo) => void = () => undefined) {
    const wheel = new TimerWheel(clock, () => undefined, WHEEL)
    super({ machine: echo, clock, random: () => 0, wheel }, { wakesAtMs: undefined, words: 0 })
    this.#onEffect = onEffect
  }

  say(word: string): void {
    this.dispatch({ type: 'said', word })
  }

  ask(wakesAtMs: number | undefined): void {
    this.dispatch({ type: 'asked', wakesAtMs })
  }

  end(): void {
    this.stop()
  }

  protected override carryOut(effect: string): void {
    this.done.push(effect)
    this.#onEffect(effect, this)
  }

  protected override faulted(error: unknown): void {
    this.faults.push(String(error))
  }

  protected override changed({ words }: State): void {
    this.changes.push(words)
  }
}

test('G222 what an effect brings about waits until the step is done, in its order', () => {
  const one = new Echo(new ManualClock(), (effect, self) => {
    if (effect === 'a') for (const word of ['b', 'c']) self.say(word)
  })
  one.say('a')
  expect(one.done).toEqual(['a', 'a!', 'b', 'b!', 'c', 'c!'])
  expect(one.changes).toEqual([1, 2, 3])
})

test('G222 a fault costs neither the effects behind it nor the events', () => {
  const clock = new ManualClock()
  const one = new Echo(clock, (effect, self) => {
    if (effect !== 'a') return
    for (const word of ['throw in step', 'b']) self.say(word)
    self.ask(50)
    throw new Error('effect')
  })
  one.say('a')
  expect(one.faults).toEqual(['Error: effect', 'Error: step'])
  expect(one.done).toEqual(['a', 'a!', 'b', 'b!'])
  clock.advance(70)
  expect(one.done.at(-1)).toMatch(/^woke at [5-7]\d$/)
})

test('G222 one that was stopped does nothing more, not even what is left of its step, and is not woken', () => {
  const clock = new ManualClock()
  const one = new Echo(clock, (effect, self) => {
    if (effect === 'a') self.end()
  })
  one.ask(10)
  one.say('a')
  one.say('b')
  clock.advance(100)
  expect(one.done).toEqual(['a'])
  expect(one.changes).toEqual([0])
})
