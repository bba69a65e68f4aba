/**
 * Writes what rosters have to say to Redis. What comes within a moment goes together, whatever the space; writes of a
 * gateway are numbered, so that others see when one is missing.
 *
 * A join is written before its newcomer is answered: otherwise a gateway that stalls after the answer, longer than the
 * grace where the being came from, has it reported as left. More than a few such writes within the gathering wait.
 */
import type { Cancel, Clock } from '@rhizom/machine'
import type { PresenceWrite } from '../core/presence/local.ts'
import type { Roster } from '../core/presence/roster.ts'

const GATHER_MS = 10
/** Writes before answers within the gathering. */
const MOST_BEFORE_ANSWERS = 8

export class PresenceWriter {
  readonly #clock: Clock
  readonly #isLinkUp: () => boolean
  readonly #write: (writes: readonly PresenceWrite[]) => void
  readonly #waiting = new Set<Roster>()
  #timer: Cancel | undefined
  #lastWrite = 0
  #beforeAnswers = { sinceMs: 0, times: 0 }

  /** While the link is not up nothing is written: everything is said again when it is. */
  constructor(clock: Clock, isLinkUp: () => boolean, write: (writes: readonly PresenceWrite[]) => void) {
    this.#clock = clock
    this.#isLinkUp = isLinkUp
    this.#write = write
  }

  add(roster: Roster): void {
    this.#waiting.add(roster)
    this.#timer ??= this.#clock.after(GATHER_MS, () => this.flush())
  }

  /** Writes what waits before somebody is answered. */
  flushBeforeAnswer(): void {
    if (this.#waiting.size === 0) return
    const nowMs = this.#clock.nowMs()
    const { sinceMs, times } = this.#beforeAnswers
    const isOver = nowMs - sinceMs >= GATHER_MS
    if (!isOver && times >= MOST_BEFORE_ANSWERS) return
    this.#beforeAnswers = isOver ? { sinceMs: nowMs, times: 1 } : { sinceMs, times: times + 1 }
    this.flush()
  }

  /** Writes what waits, now. */
  flush(): void {
    this.#timer?.()
    this.#timer = undefined
    if (!this.#isLinkUp()) return
    const writes: PresenceWrite[] = []
    for (const { local, space } of this.#waiting) {
      const write = local.takeWrite(space, this.#lastWrite + 1)
      if (write === undefined) continue
      this.#lastWrite += 1
      writes.push(write)
    }
    this.#waiting.clear()
    if (writes.length > 0) this.#write(writes)
  }
}
