/**
 * Gives the api the times at which beings were last seen: the first after quiet at once, later ones gathered, a batch
 * at a time. What could not be given waits for the next round, within a bound; saying it twice does no harm, since the
 * latest time counts.
 */
import type { Cancel, Clock } from '@rhizom/machine'
import type { BeingId } from '@rhizom/protocol'
import type { LastSeenReport } from '../ports.ts'

export interface LastSeenDeps {
  clock: Clock
  everyMs: number
  report: LastSeenReport
  given(outcome: 'stored' | 'failed' | 'dropped', beings: number): void
}

/** Those who leave together are told together; no longer, since what only this process knows is lost with it. */
const GATHER_MS = 20
const MAX_BATCH = 1000
/** More than the connections of a gateway, as all of them leave it when it stops. */
const MAX_WAITING = 100_000

export class LastSeen {
  readonly #deps: LastSeenDeps
  readonly #waiting = new Map<BeingId, number>()
  #timer: Cancel | undefined
  #underWay: Promise<void> | undefined
  #lastReportAtMs = Number.NEGATIVE_INFINITY

  constructor(deps: LastSeenDeps) {
    this.#deps = deps
  }

  note(being: BeingId, at: number): void {
    if (this.#waiting.size >= MAX_WAITING && !this.#waiting.has(being)) return this.#deps.given('dropped', 1)
    this.#keep(being, at)
    this.#sleep()
  }

  /** Gives what waits, now; resolves when it was given or refused. */
  flush(): Promise<void> {
    this.stop()
    this.#underWay ??= this.#reportAll().finally(() => {
      this.#underWay = undefined
      if (this.#waiting.size > 0) this.#sleep()
    })
    return this.#underWay
  }

  stop(): void {
    this.#timer?.()
    this.#timer = undefined
  }

  async #reportAll(): Promise<void> {
    this.#lastReportAtMs = this.#deps.clock.nowMs()
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, MAX_BATCH).map(([being, at]) => ({ being, at }))
      for (const { being } of batch) this.#waiting.delete(being)
      const isStored = await this.#deps.report(batch)
      this.#deps.given(isStored ? 'stored' : 'failed', batch.length)
      if (isStored) continue
      for (const { being, at } of batch) this.#keep(being, at)
      return
    }
  }

  #keep(being: BeingId, at: number): void {
    this.#waiting.set(being, Math.max(at, this.#waiting.get(being) ?? 0))
  }

  #sleep(): void {
    const { clock, everyMs } = this.#deps
    const delay = Math.max(GATHER_MS, this.#lastReportAtMs + everyMs - clock.nowMs())
    this.#timer ??= clock.after(delay, () => {
      this.#timer = undefined
      void this.flush()
    })
  }
}
