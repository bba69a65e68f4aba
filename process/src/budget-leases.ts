/**
 * What a node may give of accounts that all nodes share without asking about each charge: a small part of the burst,
 * for as long as what it heard of the account is fresh. It tells the others at once, and what they answer is heard; so
 * all nodes together give at most one such part each beyond the budget, whatever happens between them.
 *
 *   heard ──► leased: charges are decided here ──► given a part, or heard too long ago ──► ask
 */
import type { Budget } from '@rhizom/machine'

/** Of the burst, what a node may have given and not heard back about. */
const LEASED_SHARE = 1 / 16
/** How long what was heard of an account is fresh. */
const FRESH_MS = 1000
/** Accounts that were heard of; beyond, those that were first, which are then asked about. */
const MAX_HEARD = 50_000

export class BudgetLeases {
  readonly #heardAtMs = new Map<string, number>()
  /** Given here, and not heard back about; only what is more than nothing. */
  readonly #unheard = new Map<string, number>()

  covers(key: string, cost: number, { burst }: Budget, nowMs: number): boolean {
    const heardAtMs = this.#heardAtMs.get(key)
    if (heardAtMs === undefined || nowMs - heardAtMs >= FRESH_MS) return false
    return cost === 0 || (this.#unheard.get(key) ?? 0) + cost <= burst * LEASED_SHARE
  }

  given(key: string, cost: number): void {
    if (cost > 0) this.#unheard.set(key, (this.#unheard.get(key) ?? 0) + cost)
  }

  /** The others know of so much of what was given, or never will. */
  told(key: string, cost: number): void {
    const left = (this.#unheard.get(key) ?? 0) - cost
    if (left > 0) this.#unheard.set(key, left)
    else this.#unheard.delete(key)
  }

  /** Whoever is not answered has nothing left to it. */
  notAnswered(keys: readonly string[]): void {
    for (const key of keys) this.#heardAtMs.delete(key)
  }

  /** The accounts of all said how this one stands. */
  heard(key: string, nowMs: number): void {
    this.#heardAtMs.delete(key)
    this.#heardAtMs.set(key, nowMs)
    if (this.#heardAtMs.size <= MAX_HEARD) return
    const [first] = this.#heardAtMs.keys()
    if (first !== undefined) this.#heardAtMs.delete(first)
  }
}
