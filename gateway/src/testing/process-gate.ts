/** For tests: one process in virtual time. Killed it does nothing any more, stopped it does everything later. */
import type { Cancel, Clock } from '@rhizom/machine'

export class ProcessGate implements Clock {
  readonly #time: Clock
  #state: 'runs' | 'stopped' | 'dead' = 'runs'
  #backlog: (() => void)[] = []

  constructor(time: Clock) {
    this.#time = time
  }

  nowMs(): number {
    return this.#time.nowMs()
  }

  dateMs(): number {
    return this.#time.dateMs()
  }

  after(ms: number, run: () => void): Cancel {
    let isCancelled = false
    const cancel = this.#time.after(ms, () => this.enter(() => (isCancelled ? undefined : run())))
    return () => {
      isCancelled = true
      cancel()
    }
  }

  enter(run: () => void): void {
    if (this.#state === 'runs') run()
    else if (this.#state === 'stopped') this.#backlog.push(run)
  }

  stop(): void {
    if (this.#state === 'runs') this.#state = 'stopped'
  }

  go(): void {
    if (this.#state !== 'stopped') return
    this.#state = 'runs'
    for (const run of this.#backlog.splice(0)) this.enter(run)
  }

  kill(): void {
    this.#state = 'dead'
    this.#backlog = []
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }
}
