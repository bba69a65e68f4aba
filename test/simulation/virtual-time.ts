/**
 * The one queue of events of a simulated world and its clock, which stands still while something happens and jumps
 * to the next event. Two events of the same moment happen in the order in which they were asked for.
 *
 * Code under test answers some calls with promises. Whoever settles one says so (`touchPromises`), and the step ends
 * only when everything that hangs on it has run, so that a step is whole and the order never depends on the machine.
 */
export type Cancel = () => void

interface Planned {
  at: number
  order: number
  run: (() => void) | undefined
}

export const START_MS = 1_800_000_000_000
const MAX_STEPS_AT_ONCE = 5_000

export class VirtualTime {
  #now = START_MS
  #order = 0
  #steps = 0
  #stepsNow = 0
  #isTouched = false
  readonly #heap: Planned[] = []

  /** Milliseconds since 1970, as the parts see it. */
  readonly now = (): number => this.#now

  get elapsed(): number {
    return this.#now - START_MS
  }

  get steps(): number {
    return this.#steps
  }

  /** Whether so much happens at this one moment that it never ends. */
  get standsStill(): boolean {
    return this.#stepsNow > MAX_STEPS_AT_ONCE
  }

  /** Runs once, `ms` from now. */
  readonly after = (ms: number, run: () => void): Cancel => {
    const planned: Planned = { at: this.#now + Math.max(0, Math.ceil(ms)), order: this.#order++, run }
    this.#push(planned)
    return () => {
      planned.run = undefined
    }
  }

  readonly touchPromises = (): void => {
    this.#isTouched = true
  }

  /** A promise that is settled with a value after so long, together with everything that hangs on it. */
  later<T>(ms: number, value: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.after(ms, () => {
        this.touchPromises()
        resolve(value())
      })
    })
  }

  /** Does the next thing that is due no later than `until`. False if there is none: then it is `until`. */
  async step(until: number): Promise<boolean> {
    for (;;) {
      const next = this.#heap[0]
      if (next === undefined || next.at > until) {
        this.#now = Math.max(this.#now, until)
        return false
      }
      this.#pop()
      const { run } = next
      if (run === undefined) continue
      this.#stepsNow = next.at > this.#now ? 1 : this.#stepsNow + 1
      this.#now = Math.max(this.#now, next.at)
      this.#steps += 1
      run()
      if (this.#isTouched) await this.#settle()
      return true
    }
  }

  async #settle(): Promise<void> {
    while (this.#isTouched) {
      this.#isTouched = false
      await new Promise((resolve) => void setImmediate(resolve))
    }
  }

  #isSooner(a: Planned | undefined, b: Planned | undefined): boolean {
    if (a === undefined || b === undefined) return false
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  #swap(a: number, b: number): void {
    const one = this.#heap[a]
    const other = this.#heap[b]
    if (one === undefined || other === undefined) return
    this.#heap[a] = other
    this.#heap[b] = one
  }

  #push(planned: Planned): void {
    let at = this.#heap.push(planned) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isSooner(this.#heap[at], this.#heap[parent])) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #pop(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      let least = at
      if (this.#isSooner(this.#heap[left], this.#heap[least])) least = left
      if (this.#isSooner(this.#heap[right], this.#heap[least])) least = right
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }
}
