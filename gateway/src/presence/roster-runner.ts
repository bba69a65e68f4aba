/** Runs the roster of one space (core/presence/roster.ts), and keeps who waits until it is known. */
import { type Clock, Runner } from '@rhizom/machine'
import { type Roster, type RosterCall, type RosterEffect, rosterMachine } from '../core/presence/roster.ts'
import type { PresenceDeps } from './port.ts'

export interface RosterRunnerDeps extends Pick<PresenceDeps, 'clock' | 'random' | 'faulted'> {
  carryOut(runner: RosterRunner, effect: RosterEffect): void
  /** Something happened to the roster. */
  changed(runner: RosterRunner): void
}

/** Longer than a read of Redis takes, and short for somebody who waits for an answer. */
const READY_WITHIN_MS = 1000

export class RosterRunner {
  readonly roster: Roster
  /** Takes frames for all who follow the space here. */
  tell: ((frame: Uint8Array) => void) | undefined
  /** When the time of its hash in Redis was last put off. */
  extendedAtMs: number
  /** Lets something happen to the roster. */
  readonly call: (call: RosterCall) => void
  /** Ends the runner, and with it whatever comes late. */
  readonly stop: () => void
  readonly #clock: Clock
  #waiting: (() => void)[] = []

  constructor(roster: Roster, { clock, random, carryOut, changed, faulted }: RosterRunnerDeps) {
    this.roster = roster
    this.extendedAtMs = clock.nowMs()
    this.#clock = clock
    const runner = new Runner({
      machine: rosterMachine,
      initial: { roster },
      clock,
      random,
      carryOut: (effect) => carryOut(this, effect),
      faulted,
      changed: () => {
        if (roster.isExact) this.release()
        changed(this)
      },
    })
    this.call = (call) => runner.dispatch({ type: 'called', call })
    this.stop = () => {
      runner.stop()
      this.release()
    }
  }

  /** Resolves when the roster is known, or after a while. */
  ready(): Promise<void> {
    if (this.roster.isExact) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#clock.after(READY_WITHIN_MS, resolve)
      this.#waiting.push(() => {
        cancel()
        resolve()
      })
    })
  }

  /** Nobody has to wait any longer. */
  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
