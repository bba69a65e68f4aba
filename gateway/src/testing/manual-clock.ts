/** For tests: a clock that moves only when told, and runs what is due on the way. */
import type { Cancel, Clock } from '../ports.ts'

export class ManualClock implements Clock {
  #now = 0
  #lastId = 0
  readonly #timers = new Map<number, { at: number; run: () => void }>()

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): Cancel {
    const id = ++this.#lastId
    this.#timers.set(id, { at: this.#now + ms, run })
    return () => this.#timers.delete(id)
  }

  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const next = [...this.#timers].filter(([, { at }]) => at <= until).sort((a, b) => a[1].at - b[1].at)[0]
      if (next === undefined) break
      const [id, { at, run }] = next
      this.#timers.delete(id)
      this.#now = Math.max(this.#now, at)
      run()
    }
    this.#now = until
  }
}
