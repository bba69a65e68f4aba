/**
 * How much a gateway holds at once, for all spaces and clients together. Each of these has bounds of its own; this is
 * the bound of their sum, whoever fills it.
 *
 *   spaces    rings, kept snapshots and answers, parked messages: all of it can be read again, so it goes first
 *   clients   what lies unsent for them, what they said before their token was verified: it goes last, with them,
 *             those first for whom most is held; and nobody new is let in for a moment
 *
 * Who is over it is made smaller at once and in the middle of whatever adds to it, so that it is never over by more
 * than one message.
 */
import type { Cancel, Clock } from '@rhizom/machine'
import type { ConditionLog } from '@rhizom/process'

export type HeldFor = 'spaces' | 'clients'

export interface MemoryBudgetDeps {
  clock: Pick<Clock, 'after'>
  maxBytes: number
  condition: Pick<ConditionLog, 'bad' | 'good'>
  counted(holder: HeldFor): void
}

/** What lets go of at least as many bytes as it is asked for, where it has them, and says how many. */
export type Release = (bytes: number) => number

/** As much as is let go of at least: else each message would let go of a little. */
const RELEASED_SHARE = 1 / 4
/** It was tight until then, if nothing had to be let go of since. */
const CALM_MS = 10_000
/** As long as nobody new is let in once clients had to go. */
const CLOSED_MS = 1_000

export class MemoryBudget {
  readonly #deps: MemoryBudgetDeps
  readonly #releases = new Map<HeldFor, Release>()
  readonly #held: Record<HeldFor, number> = { spaces: 0, clients: 0 }
  #isReleasing = false
  #calm: Cancel | undefined
  #opening: Cancel | undefined

  constructor(deps: MemoryBudgetDeps) {
    this.#deps = deps
  }

  get held(): Readonly<Record<HeldFor, number>> {
    return this.#held
  }

  /** Whether it was so full that clients had to go, a moment ago. */
  get isFull(): boolean {
    return this.#opening !== undefined
  }

  /** What is asked to let go of something. */
  releasedBy(holder: HeldFor, release: Release): void {
    this.#releases.set(holder, release)
  }

  /** So many bytes more are held, or fewer. */
  add(holder: HeldFor, bytes: number): void {
    this.#held[holder] += bytes
    if (bytes > 0 && !this.#isReleasing && this.#total > this.#deps.maxBytes) this.#release()
  }

  get #total(): number {
    return this.#held.spaces + this.#held.clients
  }

  #release(): void {
    const { maxBytes, condition, counted, clock } = this.#deps
    this.#isReleasing = true
    try {
      const before = this.#total
      const spaces = this.#releases.get('spaces')?.(before - maxBytes * (1 - RELEASED_SHARE)) ?? 0
      counted('spaces')
      condition.bad({
        reason:
          'MAX_HELD_BYTES is reached: rings and snapshots are let go of, and what they answered is read from the log',
        problem: `${this.#held.spaces} bytes of spaces, ${this.#held.clients} of clients`,
      })
      // What a space lets go of may be seen a little later.
      if (Math.min(this.#total, before - spaces) > maxBytes) this.#releaseClients(before - spaces)
    } finally {
      this.#isReleasing = false
    }
    this.#calm?.()
    this.#calm = clock.after(CALM_MS, () => condition.good())
  }

  #releaseClients(total: number): void {
    const { maxBytes, condition, counted, clock } = this.#deps
    this.#releases.get('clients')?.(total - maxBytes * (1 - RELEASED_SHARE))
    counted('clients')
    condition.bad({
      reason:
        'MAX_HELD_BYTES is reached by what lies unsent: the clients that read least are closed, and new ones refused',
      problem: `${this.#held.spaces} bytes of spaces, ${this.#held.clients} of clients`,
    })
    this.#opening?.()
    this.#opening = clock.after(CLOSED_MS, () => (this.#opening = undefined))
  }
}
