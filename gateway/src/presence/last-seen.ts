/**
 * Gives the api the times at which beings were last seen: the first after quiet at once, later ones gathered, a batch at
 * a time. What could not be given waits for the next round, within a bound; saying it twice does no harm, since the
 * latest time counts.
 */
import type { BeingId } from '@rhizom/protocol'
import type { Cancel, Clock } from '@rhizom/machine'

export interface LastSeenPorts {
  clock: Clock
  everyMs: number
  /** False if the api did not take it. Never rejects. */
  post(beings: readonly { being: BeingId; at: number }[]): Promise<boolean>
  given(outcome: 'stored' | 'failed' | 'dropped', beings: number): void
}

/** Those who leave together are told together; no longer, since what only this process knows is lost with it. */
const GATHER_MS = 20
const MAX_BATCH = 1000
const MAX_WAITING = 20_000

export class LastSeen {
  readonly #ports: LastSeenPorts
  readonly #waiting = new Map<BeingId, number>()
  #timer: Cancel | undefined
  #isPosting = false
  #lastPostAt = Number.NEGATIVE_INFINITY

  constructor(ports: LastSeenPorts) {
    this.#ports = ports
  }

  note(being: BeingId, at: number): void {
    if (!this.#waiting.has(being) && this.#waiting.size >= MAX_WAITING) {
      this.#ports.given('dropped', 1)
      return
    }
    this.#waiting.set(being, Math.max(at, this.#waiting.get(being) ?? 0))
    this.#sleep()
  }

  /** Gives what waits, now. */
  async flush(): Promise<void> {
    this.#timer?.()
    this.#timer = undefined
    if (this.#isPosting) return
    this.#isPosting = true
    this.#lastPostAt = this.#ports.clock.dateMs()
    try {
      await this.#postAll()
    } finally {
      this.#isPosting = false
    }
    if (this.#waiting.size > 0) this.#sleep()
  }

  stop(): void {
    this.#timer?.()
  }

  async #postAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, MAX_BATCH).map(([being, at]) => ({ being, at }))
      for (const { being } of batch) this.#waiting.delete(being)
      const isStored = await this.#ports.post(batch)
      this.#ports.given(isStored ? 'stored' : 'failed', batch.length)
      if (isStored) continue
      for (const { being, at } of batch) this.#waiting.set(being, Math.max(at, this.#waiting.get(being) ?? 0))
      return
    }
  }

  #sleep(): void {
    const { clock, everyMs } = this.#ports
    const delay = Math.max(GATHER_MS, this.#lastPostAt + everyMs - clock.dateMs())
    this.#timer ??= clock.after(delay, () => {
      this.#timer = undefined
      void this.flush()
    })
  }
}
