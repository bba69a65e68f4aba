/**
 * Runs a condition (core/condition.ts) and says it: `bad` and `good` are told as often as anything is found out, what
 * is logged is decided by the machine.
 */
import { type Clock, Runner } from '@rhizom/machine'
import {
  type Condition,
  type ConditionEffect,
  type ConditionEvent,
  conditionMachine,
  type Trouble,
} from './core/condition.ts'
import type { Log } from './log.ts'

export interface ConditionLogDeps {
  /** Names it in the log and in metrics. */
  name: string
  log: Log
  clock: Clock
  /** What is said when it is good again. */
  whenGood: string
  /** How long it has to have worked to be good again; 0 where whoever tells knows that. */
  settleMs?: number
}

const EVERY_MS = 60_000
const SETTLE_MS = 1_500

export class ConditionLog {
  readonly name: string
  readonly #deps: ConditionLogDeps
  readonly #runner: Runner<Condition, ConditionEvent, ConditionEffect>

  constructor(deps: ConditionLogDeps) {
    const { name, log, clock, settleMs = SETTLE_MS } = deps
    this.name = name
    this.#deps = deps
    this.#runner = new Runner({
      machine: conditionMachine({ everyMs: EVERY_MS, settleMs }),
      initial: { status: 'good' },
      clock,
      random: () => 0,
      carryOut: (effect) => this.#say(effect),
      faulted: (error) => log.error({ err: error, condition: name }, 'a condition could not be said'),
      changed: () => undefined,
    })
  }

  get isBad(): boolean {
    return this.#runner.state.status === 'bad'
  }

  bad(trouble: Trouble, part: string = this.name): void {
    this.#runner.dispatch({ type: 'failed', part, trouble })
  }

  /** Costs nothing while nothing is wrong. */
  good(part: string = this.name): void {
    if (this.isBad) this.#runner.dispatch({ type: 'worked', part })
  }

  /** What failed under these names is not known to fail any more. */
  forget(prefix: string): void {
    if (this.isBad) this.#runner.dispatch({ type: 'forgotten', prefix })
  }

  stop(): void {
    this.#runner.stop()
  }

  #say({ type, trouble, forMs, times }: ConditionEffect): void {
    const { name, log, whenGood } = this.#deps
    const lasted = { condition: name, problem: trouble.problem, forMs: Math.round(forMs), times }
    if (type === 'sayBad') log.warn(lasted, trouble.reason)
    else log.info(lasted, whenGood)
  }
}
