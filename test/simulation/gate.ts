/**
 * The way into a process: timers, bytes and answers reach it through its gate and nowhere else. A frozen process
 * (SIGSTOP, a laptop that sleeps) finds what came meanwhile in order when it goes on; a dead one finds nothing.
 */
import type { Cancel, VirtualTime } from './virtual-time.ts'

export class Gate {
  readonly #time: VirtualTime
  readonly #settles: boolean
  #state: 'open' | 'frozen' | 'dead' = 'open'
  #backlog: (() => void)[] = []

  /** `settles`: whatever reaches the process may settle promises. */
  constructor(time: VirtualTime, { settles }: { settles: boolean } = { settles: false }) {
    this.#time = time
    this.#settles = settles
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  readonly enter = (run: () => void): void => {
    if (this.#state === 'dead') return
    if (this.#state === 'frozen' || this.#backlog.length > 0) this.#backlog.push(run)
    else this.#run(run)
  }

  #run(run: () => void): void {
    if (this.#settles) this.#time.touchPromises()
    run()
  }

  /** A timer of this process. */
  readonly after = (ms: number, run: () => void): Cancel => {
    let isWanted = true
    const cancel = this.#time.after(ms, () =>
      this.enter(() => {
        if (isWanted) run()
      }),
    )
    return () => {
      isWanted = false
      cancel()
    }
  }

  /** The answer to something this process asked another: known after `ms`, and never to a dead one. */
  later<T>(ms: number, value: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#time.after(ms, () => {
        const answer = value()
        this.enter(() => {
          this.#time.touchPromises()
          resolve(answer)
        })
      })
    })
  }

  freeze(): void {
    if (this.#state === 'open') this.#state = 'frozen'
  }

  thaw(): void {
    if (this.#state !== 'frozen') return
    this.#state = 'open'
    this.#workOff()
  }

  kill(): void {
    this.#state = 'dead'
    this.#backlog = []
  }

  /** One thing a step, so that the world is looked at after each. */
  #workOff(): void {
    if (this.#backlog.length === 0) return
    this.#time.after(0, () => {
      if (this.#state !== 'open') return
      const next = this.#backlog.shift()
      if (next !== undefined) this.#run(next)
      this.#workOff()
    })
  }
}
