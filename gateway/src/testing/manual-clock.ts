/** For tests: a clock that moves only when told, and runs what is due on the way. */
import type { Cancel, Clock } from '../ports.ts'

/** Promises that wait for each other settle in fewer turns than this. */
const TURNS = 6

export class ManualClock implements Clock {
  #now: number
  #lastId = 0
  readonly #timers = new Map<number, { at: number; run: () => void }>()

  constructor(now = 0) {
    this.#now = now
  }

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
    while (this.#runNext(until));
    this.#now = until
  }

  /** Lets promises settle whenever something was run. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms
    do await settled()
    while (this.#runNext(until))
    this.#now = until
  }

  #runNext(until: number): boolean {
    let next: [number, { at: number; run: () => void }] | undefined
    for (const timer of this.#timers)
      if (timer[1].at <= until && (next === undefined || timer[1].at < next[1].at)) next = timer
    if (next === undefined) return false
    const [id, { at, run }] = next
    this.#timers.delete(id)
    this.#now = Math.max(this.#now, at)
    run()
    return true
  }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < TURNS; turn++) await Promise.resolve()
}
