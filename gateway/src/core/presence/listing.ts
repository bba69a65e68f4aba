/**
 * What the clients of one gateway were told of who is here, and so what the next frame has to say: the list in a
 * client's answer, altered by the frames after it, is the same for all.
 *
 * Up to `limit` beings all are listed. Beyond it the list is a sample: who comes is counted and not named; who leaves
 * is named if listed, and another takes the place (`joined`, with the time it really came). So frames for n joins are n
 * counts and not n lists. A space that shrinks back to the limit is listed whole again.
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
  readonly #merged: MergedPresence
  readonly #listed = new Map<BeingId, Here>()
  /** Of these, named to newcomers in their answers since the last frame: the next one says so to the others. */
  readonly #joining = new Set<BeingId>()
  #count = 0
  /** An answer gave another count than the last frame. */
  #countDiffers = false

  constructor(limit: number, merged: MergedPresence) {
    this.#limit = limit
    this.#merged = merged
  }

  /** As it was told last. */
  get count(): number {
    return this.#count
  }

  /** What newcomers are told: what the others were told, and themselves. */
  answer(newcomers: readonly BeingId[]): { here: Here[]; hereCount: number } {
    for (const being of newcomers) if (this.#list(being)) this.#joining.add(being)
    const here = [...this.#listed.values()].sort(byAge)
    // Up to the limit the count is that of the list, so that nobody takes it for a sample.
    const count = this.#merged.count > this.#limit ? this.#merged.count : this.#count
    const hereCount = Math.max(count, here.length)
    if (hereCount !== this.#count) this.#countDiffers = true
    return { here, hereCount }
  }

  /** Brings the clients level with who is here: what the next frame says, if there is anything to say. */
  takeDifference(): RosterDifference | undefined {
    const { count } = this.#merged
    const difference: RosterDifference = { joined: [], left: [], updated: [], hereCount: count }
    for (const being of [...this.#joining, ...this.#merged.takeChanged()]) this.#compare(being, difference)
    for (const being of this.#merged.beings()) {
      if (this.#listed.size >= this.#limit) break
      const added = this.#list(being)
      if (added !== undefined) difference.joined.push(added)
    }
    const { joined, left, updated } = difference
    const isSameCount = count === this.#count && !this.#countDiffers
    this.#count = count
    this.#countDiffers = false
    return isSameCount && joined.length + left.length + updated.length === 0 ? undefined : difference
  }

  #compare(being: BeingId, { joined, left, updated }: RosterDifference): void {
    const before = this.#listed.get(being)
    if (before === undefined) return
    const isJoining = this.#joining.delete(being)
    const now = this.#merged.get(being)
    if (now === undefined) {
      this.#listed.delete(being)
      left.push(being)
    } else if (isJoining || !isSame(before, now)) {
      this.#listed.set(being, hereOf(now))
      if (isJoining) joined.push(hereOf(now))
      else updated.push(hereOf(now))
    }
  }

  /** Lists one who is here, if there is room. */
  #list(being: BeingId): Here | undefined {
    const now = this.#merged.get(being)
    if (now === undefined || this.#listed.has(being) || this.#listed.size >= this.#limit) return undefined
    const here = hereOf(now)
    this.#listed.set(being, here)
    return here
  }
}
