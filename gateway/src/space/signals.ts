/**
 * Signals on their way to the clients of a space. The first after quiet goes at once; of those that come within the
 * window after it only the latest per name and being goes on. Nothing is kept once it is sent.
 */
import type { Cancel, Clock } from '@rhizom/machine'

/** More that differ within one window are let go: a signal may be lost. */
const MAX_WAITING = 1000

export class SignalWindow {
  readonly #clock: Clock
  readonly #windowMs: number
  readonly #send: (frame: Uint8Array) => void
  #waiting = new Map<string, Uint8Array>()
  #window: Cancel | undefined

  constructor(clock: Clock, windowMs: number, send: (frame: Uint8Array) => void) {
    this.#clock = clock
    this.#windowMs = windowMs
    this.#send = send
  }

  /** `key` names what a later one replaces; without one it is never replaced. */
  push(key: string | undefined, frame: Uint8Array): void {
    if (this.#window === undefined) {
      this.#send(frame)
      this.#open()
      return
    }
    const name = key ?? ` ${this.#waiting.size}`
    if (this.#waiting.size < MAX_WAITING || this.#waiting.has(name)) this.#waiting.set(name, frame)
  }

  stop(): void {
    this.#window?.()
    this.#window = undefined
    this.#waiting.clear()
  }

  #open(): void {
    this.#window = this.#clock.after(this.#windowMs, () => {
      this.#window = undefined
      const waiting = this.#waiting
      if (waiting.size === 0) return
      this.#waiting = new Map()
      for (const frame of waiting.values()) this.#send(frame)
      this.#open()
    })
  }
}
