/**
 * What the clients of one gateway were told of who is here, and so what the next frame has to say. Each client holds
 * the same list: the one in its answer, altered by the frames after it.
 *
 * Up to `limit` beings everybody is listed. Beyond it the list is a sample, and a frame says no more than its count
 * unless the sample itself changes: who comes to a full list is counted and not named, who leaves is named only if
 * listed, and then one of the others takes the place (`joined`, with the time it really came). So frames for n joins
 * are n counts and not n lists, and a space that shrinks back to the limit is listed whole again.
 */
import type { BeingId, Here } from '@rhizom/protocol'
import type { MergedBeing, MergedPresence } from './merged.ts'

export interface RosterDifference {
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
  readonly #joining = new Set<BeingId>()
  #count = 0
  #isPublished = false
  /** An answer gave another count than the last frame. */
  #countDiffers = false

  constructor(limit: number) {
    this.#limit = limit
  }

  get count(): number {
    return this.#count
  }

  /** Whether anybody was told anything yet. */
  get isPublished(): boolean {
    return this.#isPublished
  }

  /** What newcomers are told: what the others were told, and themselves. */
  answer(newcomers: readonly BeingId[], merged: MergedPresence): { here: Here[]; hereCount: number } {
    this.#isPublished = true
    for (const being of newcomers) {
      const isNew = merged.has(being) && !this.#listed.has(being)
      if (isNew && this.#listed.size + this.#joining.size < this.#limit) this.#joining.add(being)
    }
    const joining = [...this.#joining].flatMap((being) => merged.get(being) ?? []).map(hereOf)
    const here = [...this.#listed.values(), ...joining].sort(byAge)
    // Up to the limit the count is that of the list, so that nobody takes it for a sample.
    const count = merged.count > this.#limit ? merged.count : this.#count
    const hereCount = Math.max(count, here.length)
    if (hereCount !== this.#count) this.#countDiffers = true
    return { here, hereCount }
  }

  /** Brings the clients level with `merged`, of which `changed` may differ from what they were told. */
  difference(changed: readonly BeingId[], merged: MergedPresence): RosterDifference | undefined {
    this.#isPublished = true
    const difference: RosterDifference = { joined: [], left: [], updated: [], hereCount: merged.count }
    for (const being of changed) this.#compare(being, merged.get(being), difference)
    // Those named in an answer first: whoever was told of them must not be left with more than the list.
    for (const being of this.#joining) this.#list(being, merged, difference)
    this.#joining.clear()
    for (const being of this.#unlisted) {
      if (this.#listed.size >= this.#limit) break
      this.#list(being, merged, difference)
    }
    const isSameCount = merged.count === this.#count && !this.#countDiffers
    const isQuiet = difference.joined.length + difference.left.length + difference.updated.length === 0 && isSameCount
    this.#count = merged.count
    this.#countDiffers = false
    return isQuiet ? undefined : difference
  }

  #compare(being: BeingId, now: MergedBeing | undefined, difference: RosterDifference): void {
    const before = this.#listed.get(being)
    if (now === undefined) {
      this.#unlisted.delete(being)
      if (this.#listed.delete(being) || this.#joining.has(being)) difference.left.push(being)
      this.#joining.delete(being)
    } else if (before === undefined) {
      this.#unlisted.add(being)
    } else if (!isSame(before, now)) {
      this.#listed.set(being, hereOf(now))
      difference.updated.push(hereOf(now))
    }
  }

  #list(being: BeingId, merged: MergedPresence, difference: RosterDifference): void {
    const now = merged.get(being)
    if (now === undefined || !this.#unlisted.delete(being)) return
    this.#listed.set(being, hereOf(now))
    difference.joined.push(hereOf(now))
  }
}
