/**
 * Removed beings, and ended sessions, whose tokens may not have run out yet. A token says who somebody is, by which
 * session and until when: that either is over has to be known besides. Changed in place, as it may hold many.
 *
 * Bounded twice: what has run out is forgotten, and beyond a number those known longest are.
 */
import type { BeingId, RevokedIds, SessionId } from '@rhizom/protocol'

/** What tokens are refused by. */
export type TokenId = BeingId | SessionId

const SWEEP_EVERY_MS = 60_000
const MAX_IDS = 500_000

export class Revocations {
  readonly #untilOf = new Map<TokenId, number>()
  readonly #most: number
  #sweepAtMs = 0

  constructor(most = MAX_IDS) {
    this.#most = most
  }

  get size(): number {
    return this.#untilOf.size
  }

  isRevoked(id: TokenId, dateMs: number): boolean {
    return (this.#untilOf.get(id) ?? 0) > dateMs
  }

  /** Gives those that are news: their connections are to be closed. */
  learn(revoked: RevokedIds, dateMs: number): ReadonlySet<TokenId> {
    const news = new Set<TokenId>()
    for (const [id, until] of Object.entries(revoked)) {
      if (until <= dateMs) continue
      const known = this.#untilOf.get(id)
      if (known === undefined) news.add(id)
      this.#untilOf.set(id, Math.max(until, known ?? 0))
    }
    this.#forget(dateMs)
    return news
  }

  #forget(dateMs: number): void {
    if (dateMs >= this.#sweepAtMs) {
      this.#sweepAtMs = dateMs + SWEEP_EVERY_MS
      for (const [id, until] of this.#untilOf) if (until <= dateMs) this.#untilOf.delete(id)
    }
    for (const id of this.#untilOf.keys()) {
      if (this.#untilOf.size <= this.#most) return
      this.#untilOf.delete(id)
    }
  }
}
