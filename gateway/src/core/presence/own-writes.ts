/**
 * What Redis has yet to be told of those who are here through this gateway in one space. Writes of a gateway are
 * numbered, and each names the one before it, so that others see when they missed one.
 */
import type { BeingId, PresenceEntry, PresenceHint, SpaceId } from '@rhizom/protocol'
import type { OwnChange, OwnEntry } from './own-presence.ts'
import type { OwnName } from './remote-presence.ts'
import type { PresenceWrite } from './roster-effect.ts'

/** More entries are not put into a hint: who hears of it reads the hash. */
const MAX_HINT_ENTRIES = 200

export class OwnWrites {
  readonly #space: SpaceId
  readonly #waiting = new Map<BeingId, OwnChange>()
  #last = 0

  constructor(space: SpaceId) {
    this.#space = space
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  /** Who has left, of whom Redis has yet to be told so. */
  leaving(): BeingId[] {
    return [...this.#waiting].filter(([, { type }]) => type === 'left').map(([being]) => being)
  }

  add(being: BeingId, change: OwnChange): void {
    this.#waiting.set(being, change)
  }

  /** Nobody has heard of this gateway yet, under the name it has from now on. */
  beginAnew(): void {
    this.#last = 0
  }

  /** What is to be written, as write number `to` of this gateway; `entries` is all of ours. */
  take(to: number, { bootId, formerly }: OwnName, entries: ReadonlyMap<BeingId, OwnEntry>): PresenceWrite | undefined {
    if (this.isEmpty) return undefined
    const put = new Map<BeingId, PresenceEntry>()
    const left = new Map<BeingId, number>()
    for (const [being, change] of this.#waiting) {
      if (change.type === 'here') put.set(being, { ...change.entry, rev: to })
      else left.set(being, change.at)
    }
    this.#waiting.clear()
    const from = this.#last
    this.#last = to
    const hint: PresenceHint = {
      ...(put.size > MAX_HINT_ENTRIES ? {} : { put: Object.fromEntries(put) }),
      left: Object.fromEntries(left),
      formerly: from === 0 ? [...formerly] : [],
    }
    return { space: this.#space, bootId, from, to, put, left, isWhole: put.size === entries.size, hint }
  }

  /**
   * It may or may not have been written. Entries are all said again when Redis is back; of those who left nobody else
   * knows any more.
   */
  failed({ left }: PresenceWrite, entries: ReadonlyMap<BeingId, OwnEntry>): void {
    for (const [being, at] of left)
      if (!entries.has(being) && !this.#waiting.has(being)) this.#waiting.set(being, { type: 'left', at })
  }
}
