/** Runs the roster of one space: lets things happen to it, has its effects carried out, wakes it when it is time. */
import type { SpaceRoster } from '../core/presence/roster.ts'
import type { RosterEffect } from '../core/presence/roster-effect.ts'
import type { Cancel, Clock } from '@rhizom/machine'

export type Happening = (roster: SpaceRoster, now: number) => void

export interface SpacePresencePorts {
  clock: Clock
  carryOut(space: SpacePresence, effect: RosterEffect): void
  /** It is time; `happen` is to be given back to `run`. */
  woke(space: SpacePresence, happen: Happening): void
}

/** Longer than a read of Redis takes, and short for somebody who waits for an answer. */
const READY_WITHIN_MS = 1000

export class SpacePresence {
  readonly roster: SpaceRoster
  /** Takes frames for all who follow the space here. */
  tell: ((frame: Uint8Array) => void) | undefined
  readonly #ports: SpacePresencePorts
  #timer: Cancel | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #waiting: (() => void)[] = []

  constructor(roster: SpaceRoster, ports: SpacePresencePorts) {
    this.roster = roster
    this.#ports = ports
  }

  run(happen: Happening): void {
    happen(this.roster, this.#ports.clock.dateMs())
    for (const effect of this.roster.takeEffects()) this.#ports.carryOut(this, effect)
    if (this.roster.isExact) this.release()
    this.#sleep()
  }

  /** Resolves when the roster is known, or after a while. */
  ready(): Promise<void> {
    if (this.roster.isExact) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#ports.clock.after(READY_WITHIN_MS, resolve)
      this.#waiting.push(() => {
        cancel()
        resolve()
      })
    })
  }

  /** Nobody has to wait any longer. */
  release(): void {
    for (const tell of this.#waiting.splice(0)) tell()
  }

  stop(): void {
    this.#timer?.()
    this.release()
  }

  #sleep(): void {
    const at = this.roster.wakesAt ?? Number.POSITIVE_INFINITY
    if (at === this.#timerAt) return
    this.#timer?.()
    this.#timerAt = at
    if (at === Number.POSITIVE_INFINITY) return
    const { clock, woke } = this.#ports
    this.#timer = clock.after(Math.max(0, at - clock.dateMs()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      woke(this, (roster, now) => roster.tick(now))
    })
  }
}
