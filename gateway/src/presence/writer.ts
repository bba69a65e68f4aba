/**
 * Writes to Redis what rosters have to say. What comes within a moment goes together, whatever the space; writes of a
 * gateway are numbered, so that others see when one is missing.
 *
 * A join is written before its newcomer is answered: otherwise a gateway that stalls after the answer, longer than the
 * grace where the being came from, has it reported as left. More than a few such writes within the gathering wait.
 */
import type { HeldRoster, LinkedDeps } from './heartbeat.ts'

const GATHER_MS = 10
/** Writes before answers within the gathering. */
const MOST_BEFORE_ANSWERS = 8

export class PresenceWriter {
  readonly #deps: LinkedDeps
  readonly #waiting = new Set<HeldRoster>()
  #isGathering = false
  #lastWrite = 0
  #beforeAnswers = 0

  constructor(deps: LinkedDeps) {
    this.#deps = deps
  }

  add(held: HeldRoster): void {
    this.#waiting.add(held)
    if (this.#isGathering) return
    this.#isGathering = true
    this.#deps.clock.after(GATHER_MS, () => {
      this.#isGathering = false
      this.#beforeAnswers = 0
      this.flush()
    })
  }

  /** Writes what waits before somebody is answered. */
  flushBeforeAnswer(): void {
    if (this.#waiting.size === 0 || this.#beforeAnswers >= MOST_BEFORE_ANSWERS) return
    this.#beforeAnswers += 1
    this.flush()
  }

  /** Writes what waits, now. While the link is not up nothing is: all is said again when it is. */
  flush(): void {
    const { clock, store, metrics, heartbeat } = this.#deps
    if (!heartbeat.isLinkUp) return
    const taken = [...this.#waiting].flatMap((held) => {
      const write = held.roster.local.takeWrite(held.roster.space, this.#lastWrite + 1)
      if (write === undefined) return []
      this.#lastWrite += 1
      heartbeat.writes.add(write.space, write.range, clock.nowMs())
      return { held, write }
    })
    this.#waiting.clear()
    if (taken.length === 0) return
    metrics.hints.inc({ direction: 'sent' }, taken.length)
    heartbeat.expect(store.write(taken.map(({ write }) => write)), () => {
      for (const { held, write } of taken) held.dispatch({ type: 'written', write })
    })
  }
}
