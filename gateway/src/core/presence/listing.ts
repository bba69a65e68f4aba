/**
 * What the clients of one gateway were told of who is here, and so what the next frame has to say. Each client holds the
 * same list: the one in its answer, altered by the frames after it.
 *
 * Up to `limit` beings everybody is listed. Beyond it the list is a sample, and a frame says no more than its count
 * unless the sample itself changes: who comes to a full list is counted and not named, who leaves is named only if
 * listed, and then one of the others takes the place (`joined`, with the time it really came). So frames for n joins
 * are n counts and not n lists, and a space that shrinks back to the limit is listed whole again.
 */
import type { BeingId, Here } from '@rhizom/protocol'
import type { MergedBeing, MergedPresence } from './merged-presence.ts'

export interface RosterNews {
  joined: Here[]
  left: BeingId[]
  updated: Here[]
  hereCount: number
}

const hereOf = ({ being, state, since }: MergedBeing): Here => ({ being, state, since })

const isSame = (one: Here, other: Here): boolean =>
  one.since === other.since && (one.state === other.state || JSON.stringify(one.state) === JSON.stringify(other.state))

const byAge = (one: Here, other: Here): number => one.since - other.since || (one.being < other.being ? -1 : 1)

export class Listing {
  readonly #limit: number
  readonly #listed = new Map<BeingId, Here>()
  /** Here, counted, and not listed. */
  readonly #unlisted = new Set<BeingId>()
  /** Named to newcomers in their answers since the last frame, which says so to the others. */
  readonly #named = new Set<BeingId>()
  #count = 0
  #isUntold = true
  /** An answer gave another count than the last frame. */
  #isToldApart = false

  constructor(limit: number) {
    this.#limit = limit
  }

  get count(): number {
    return this.#count
  }

  /** Whether nobody was told anything yet. */
  get isUntold(): boolean {
    return this.#isUntold
  }

  /** What newcomers are told: what the others were told, and themselves. */
  answer(newcomers: readonly BeingId[], merged: MergedPresence): { here: Here[]; hereCount: number } {
    this.#isUntold = false
    for (const being of newcomers) {
      const isNews = merged.has(being) && !this.#listed.has(being)
      if (isNews && this.#listed.size + this.#named.size < this.#limit) this.#named.add(being)
    }
    const named = [...this.#named].flatMap((being) => merged.get(being) ?? []).map(hereOf)
    const here = [...this.#listed.values(), ...named].sort(byAge)
    // Up to the limit the count is that of the list, so that nobody takes it for a sample.
    const count = merged.count > this.#limit ? merged.count : this.#count
    const hereCount = Math.max(count, here.length)
    if (hereCount !== this.#count) this.#isToldApart = true
    return { here, hereCount }
  }

  /** Brings the clients level with `merged`, of which `changed` may differ from what they were told. */
  news(changed: readonly BeingId[], merged: MergedPresence): RosterNews | undefined {
    this.#isUntold = false
    const news: RosterNews = { joined: [], left: [], updated: [], hereCount: merged.count }
    for (const being of changed) this.#settle(being, merged.get(being), news)
    // Those named in an answer first: whoever was told of them must not be left with more than the list.
    for (const being of this.#named) this.#list(being, merged, news)
    this.#named.clear()
    for (const being of this.#unlisted) {
      if (this.#listed.size >= this.#limit) break
      this.#list(being, merged, news)
    }
    const isSameCount = merged.count === this.#count && !this.#isToldApart
    const isQuiet = news.joined.length + news.left.length + news.updated.length === 0 && isSameCount
    this.#count = merged.count
    this.#isToldApart = false
    return isQuiet ? undefined : news
  }

  #settle(being: BeingId, now: MergedBeing | undefined, news: RosterNews): void {
    const before = this.#listed.get(being)
    if (now === undefined) {
      this.#unlisted.delete(being)
      if (this.#listed.delete(being) || this.#named.has(being)) news.left.push(being)
      this.#named.delete(being)
    } else if (before === undefined) {
      this.#unlisted.add(being)
    } else if (!isSame(before, now)) {
      this.#listed.set(being, hereOf(now))
      news.updated.push(hereOf(now))
    }
  }

  #list(being: BeingId, merged: MergedPresence, news: RosterNews): void {
    const now = merged.get(being)
    if (now === undefined || !this.#unlisted.delete(being)) return
    this.#listed.set(being, hereOf(now))
    news.joined.push(hereOf(now))
  }
}
