/**
 * Removed beings whose tokens may not have run out yet. A token says who somebody is and until when, and nothing else:
 * that its being was removed has to be known besides. Changed in place, as it may hold many.
 *
 * Bounded twice: what has run out is forgotten, and beyond a number those known longest are.
 */
import type { BeingId, Revoked } from '@rhizom/protocol'

const SWEEP_EVERY_MS = 60_000
const MAX_BEINGS = 500_000

export class Revocations {
  readonly #untilOf = new Map<BeingId, number>()
  readonly #most: number
  #sweepAtMs = 0

  constructor(most = MAX_BEINGS) {
    this.#most = most
  }

  get size(): number {
    return this.#untilOf.size
  }

  isRevoked(being: BeingId, dateMs: number): boolean {
    return (this.#untilOf.get(being) ?? 0) > dateMs
  }

  /** Gives those that are news: their connections are to be closed. */
  learn(revoked: Revoked, dateMs: number): ReadonlySet<BeingId> {
    const news = new Set<BeingId>()
    for (const [being, until] of Object.entries(revoked)) {
      if (until <= dateMs) continue
      const known = this.#untilOf.get(being)
      if (known === undefined) news.add(being)
      this.#untilOf.set(being, Math.max(until, known ?? 0))
    }
    this.#forget(dateMs)
    return news
  }

  #forget(dateMs: number): void {
    if (dateMs >= this.#sweepAtMs) {
      this.#sweepAtMs = dateMs + SWEEP_EVERY_MS
      for (const [being, until] of this.#untilOf) if (until <= dateMs) this.#untilOf.delete(being)
    }
    for (const being of this.#untilOf.keys()) {
      if (this.#untilOf.size <= this.#most) return
      this.#untilOf.delete(being)
    }
  }
}
