/**
 * Which channels a gateway wants and which of them the bus has confirmed. The connection forgets on each break and may
 * forget by itself, so what is wanted is kept here and said again; a confirmation of an earlier wish does not count.
 */
import type { SpaceId } from '@rhizom/protocol'

/** Names one wish: leaving and wanting again makes another. */
export type Wish = number

export class Interest {
  readonly #wanted = new Map<SpaceId, Wish>()
  readonly #joined = new Set<SpaceId>()
  #lastWish = 0

  want(space: SpaceId): Wish {
    const wish = ++this.#lastWish
    this.#wanted.set(space, wish)
    this.#joined.delete(space)
    return wish
  }

  leave(space: SpaceId): void {
    this.#wanted.delete(space)
    this.#joined.delete(space)
  }

  isWanted(space: SpaceId): boolean {
    return this.#wanted.has(space)
  }

  /** False if the wish is not that any more, or was confirmed before. */
  confirm(space: SpaceId, wish: Wish): boolean {
    if (this.#wanted.get(space) !== wish || this.#joined.has(space)) return false
    this.#joined.add(space)
    return true
  }

  /** Nothing is joined any more. Every wish stands. */
  forget(): void {
    this.#joined.clear()
  }

  /** What has to be joined. */
  missing(): { space: SpaceId; wish: Wish }[] {
    return [...this.#wanted].flatMap(([space, wish]) => (this.#joined.has(space) ? [] : [{ space, wish }]))
  }
}
