/** How many connections each being has through this gateway: people are counted, whatever addresses they come from. */
import type { BeingId } from '@rhizom/protocol'

export class Crowd {
  readonly #most: number
  readonly #counts = new Map<BeingId, number>()

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#counts.size
  }

  /** False if it has as many as it may have. */
  enter(being: BeingId): boolean {
    const count = this.#counts.get(being) ?? 0
    if (count >= this.#most) return false
    this.#counts.set(being, count + 1)
    return true
  }

  leave(being: BeingId): void {
    const count = (this.#counts.get(being) ?? 0) - 1
    if (count > 0) this.#counts.set(being, count)
    else this.#counts.delete(being)
  }
}
