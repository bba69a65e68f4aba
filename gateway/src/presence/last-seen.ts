/**
 * Gives the api the times at which beings were last seen, gathered and a batch at a time. What could not be given waits
 * for the next round, within a bound; saying it twice does no harm, since the latest time counts.
 */
import type { BeingId } from '@rhizom/protocol'
import type { Cancel, Clock } from '../ports.ts'

export interface LastSeenPorts {
  clock: Clock
  everyMs: number
  /** False if the api did not take it. Never rejects. */
  post(beings: readonly { being: BeingId; at: number }[]): Promise<boolean>
  /** Whether it is here all the same, in another space. */
  isHere(being: BeingId): boolean
  given(outcome: 'stored' | 'failed' | 'dropped', beings: number): void
}

const MAX_BATCH = 1000
const MAX_WAITING = 20_000

export class LastSeen {
  readonly #ports: LastSeenPorts
  readonly #waiting = new Map<BeingId, number>()
  #timer: Cancel | undefined
  #isPosting = false

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
    for (const being of this.#waiting.keys()) if (this.#ports.isHere(being)) this.#waiting.delete(being)
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
    this.#timer ??= this.#ports.clock.after(this.#ports.everyMs, () => {
      this.#timer = undefined
      void this.flush()
    })
  }
}
