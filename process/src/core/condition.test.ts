import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import {
  type Condition,
  type ConditionEffect,
  type ConditionEvent,
  conditionWakesAtMs,
  stepCondition,
} from './condition.ts'

const settings = { everyMs: 60_000, settleMs: 1_500 }
const away = { reason: 'away', problem: 'ECONNREFUSED' }
const refused = { reason: 'refused', problem: 'WRONGPASS' }
const failed = (part = 'a', trouble = away): ConditionEvent => ({ type: 'failed', part, trouble })
const worked = (part = 'a'): ConditionEvent => ({ type: 'worked', part })

/** A condition and the clock beside it: wakes it whenever it asked to be. */
class Run {
  state: Condition = { status: 'good' }
  nowMs = 0
  readonly said: (ConditionEffect & { atMs: number })[] = []

  tell(event: ConditionEvent | { type: 'timePassed' }): void {
    const { state, effects } = stepCondition(this.state, event, this, settings)
    this.state = state
    for (const effect of effects) this.said.push({ ...effect, atMs: this.nowMs })
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms
    for (let dueMs = conditionWakesAtMs(this.state); dueMs !== undefined && dueMs <= untilMs; ) {
      this.nowMs = Math.max(this.nowMs, dueMs)
      this.tell({ type: 'timePassed' })
      dueMs = conditionWakesAtMs(this.state)
    }
    this.nowMs = untilMs
  }

  get types(): string[] {
    return this.said.map(({ type, trouble }) => `${type} ${trouble.reason}`)
  }
}

describe('a condition', () => {
  test('N20 it is said when it turns bad, once a minute while it stays so, and when it has been good for a moment', () => {
    const run = new Run()
    run.tell(failed())
    expect(run.said).toEqual([{ type: 'sayBad', trouble: away, forMs: 0, times: 1, atMs: 0 }])
    for (let second = 0; second < 125; second += 1) {
      run.pass(1_000)
      run.tell(failed())
    }
    expect(run.said.slice(1)).toMatchObject([
      { type: 'sayBad', atMs: 60_000, forMs: 60_000, times: 60 },
      { type: 'sayBad', atMs: 120_000, forMs: 120_000, times: 120 },
    ])
    run.tell(worked())
    run.pass(1_499)
    expect(run.said).toHaveLength(3)
    run.pass(1)
    expect(run.said.at(-1)).toMatchObject({ type: 'sayGood', forMs: 125_000, times: 126 })
    run.pass(1_000_000)
    expect(run.said).toHaveLength(4)
  })

  test('N20 it is said once a minute also where nobody asks any more', () => {
    const run = new Run()
    run.tell(failed())
    run.pass(300_000)
    expect(run.types).toEqual(Array(6).fill('sayBad away'))
  })

  test('N21 it is good when no part fails any more; what nobody knows any more does not count', () => {
    const run = new Run()
    run.tell(failed('a'))
    run.tell(failed('b one'))
    run.tell(failed('b two'))
    run.tell(worked('a'))
    run.pass(10_000)
    expect(run.state.status).toBe('bad')
    run.tell({ type: 'forgotten', prefix: 'b ' })
    run.pass(1_500)
    expect(run.types).toEqual(['sayBad away', 'sayGood away'])
    run.tell(worked('never failed'))
    expect(run.state).toEqual({ status: 'good' })
  })

  test('N22 another reason is said at once, each once, and the latest once a minute', () => {
    const run = new Run()
    for (let round = 0; round < 20; round += 1) {
      run.tell(failed('a', away))
      run.tell(failed('a', refused))
      run.pass(1_000)
    }
    expect(run.types).toEqual(['sayBad away', 'sayBad refused'])
    run.pass(60_000)
    expect(run.types).toEqual(['sayBad away', 'sayBad refused', 'sayBad refused'])
  })

  test('N22 whatever fails again within the moment says nothing', () => {
    const run = new Run()
    for (let round = 0; round < 59; round += 1) {
      run.tell(failed())
      run.tell(worked())
      run.pass(1_000)
    }
    expect(run.types).toEqual(['sayBad away'])
  })

  test('N22 reasons without end are said a bounded number of times', () => {
    const run = new Run()
    for (let round = 0; round < 10_000; round += 1) run.tell(failed('a', { reason: `no ${round}`, problem: '' }))
    expect(run.said.length).toBeLessThanOrEqual(10)
  })

  test('N20 N21 under any order of events it is bad exactly while a part fails, and silent while it is good', () => {
    const part = fc.constantFrom('a', 'b', 'c')
    const event = fc.oneof(
      part.map((name) => failed(name)),
      part.map((name) => worked(name)),
      fc.integer({ min: 1, max: 5_000 }),
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const run = new Run()
        const failing = new Set<string>()
        for (const one of events) {
          if (typeof one === 'number') run.pass(one)
          else {
            run.tell(one)
            if (one.type === 'failed') failing.add(one.part)
            if (one.type === 'worked') failing.delete(one.part)
          }
          expect(run.state.status === 'bad').toBe(failing.size > 0)
        }
        for (const name of failing) run.tell(worked(name))
        run.pass(settings.settleMs)
        expect(run.state).toEqual({ status: 'good' })
        // What was said to be bad is said to be good again, in turn.
        const turns = run.said.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1])
        expect(turns.length % 2).toBe(0)
        expect(turns[0] ?? 'sayBad').toBe('sayBad')
      }),
    )
  })
})
