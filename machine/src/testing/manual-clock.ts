/** For tests: a clock that moves only when told, and calls what is due on the way. Its date can be set by itself. */
import type { Cancel, Clock } from '../clock.ts'

/** Promises that wait for each other settle in fewer turns than this. */
const TURNS = 6

export class ManualClock implements Clock {
  #nowMs: number
  /** What the date is ahead of `nowMs`. */
  #dateAheadMs: number
  #lastId = 0
  readonly #timers = new Map<number, { atMs: number; callback: () => void }>()

  constructor(nowMs = 0, dateMs = nowMs) {
    this.#nowMs = nowMs
    this.#dateAheadMs = dateMs - nowMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  dateMs(): number {
    return this.#nowMs + this.#dateAheadMs
  }

  /** Somebody sets the date, forward or back; nothing that waits may notice. */
  stepDate(byMs: number): void {
    this.#dateAheadMs += byMs
  }

  /** Timers that have not fired and were not cancelled. */
  get timers(): number {
    return this.#timers.size
  }

  after(delayMs: number, callback: () => void): Cancel {
    const id = ++this.#lastId
    this.#timers.set(id, { atMs: this.#nowMs + delayMs, callback })
    return () => this.#timers.delete(id)
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    while (this.#callNext(untilMs));
    this.#nowMs = untilMs
  }

  /** As `advance`, and lets promises settle whenever something was called. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    do await settled()
    while (this.#callNext(untilMs))
    this.#nowMs = untilMs
  }

  #callNext(untilMs: number): boolean {
    let next: [number, { atMs: number; callback: () => void }] | undefined
    for (const timer of this.#timers)
      if (timer[1].atMs <= untilMs && (next === undefined || timer[1].atMs < next[1].atMs)) next = timer
    if (next === undefined) return false
    const [id, { atMs, callback }] = next
    this.#timers.delete(id)
    this.#nowMs = Math.max(this.#nowMs, atMs)
    callback()
    return true
  }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < TURNS; turn++) await Promise.resolve()
}
