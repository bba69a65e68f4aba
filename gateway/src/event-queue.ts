/**
 * Events for a machine, one after the other: what an effect brings about while it is carried out waits until the step is
 * done. `whenIdle` is called each time nothing waits any more.
 */
export class EventQueue<Event> {
  readonly #waiting: Event[] = []
  readonly #step: (event: Event) => void
  readonly #whenIdle: () => void
  #isStepping = false

  constructor(step: (event: Event) => void, whenIdle: () => void) {
    this.#step = step
    this.#whenIdle = whenIdle
  }

  push(event: Event): void {
    this.#waiting.push(event)
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#step(next)
    } finally {
      this.#isStepping = false
    }
    this.#whenIdle()
  }
}
