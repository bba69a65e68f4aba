/**
 * Which channels a gateway wants and which of them the bus has confirmed. The connection forgets on each break and may
 * forget by itself, so what is wanted is kept here and said again; a confirmation of an earlier subscription does not
 * count.
 */
import type { SpaceId } from '@rhizom/protocol'

/** Names one subscription: leaving and wanting again makes another. */
export type SubscriptionId = number

export class ChannelSubscriptions {
  readonly #wanted = new Map<SpaceId, SubscriptionId>()
  readonly #joined = new Set<SpaceId>()
  #lastId = 0

  want(space: SpaceId): SubscriptionId {
    const id = ++this.#lastId
    this.#wanted.set(space, id)
    this.#joined.delete(space)
    return id
  }

  leave(space: SpaceId): void {
    this.#wanted.delete(space)
    this.#joined.delete(space)
  }

  isWanted(space: SpaceId): boolean {
    return this.#wanted.has(space)
  }

  /** False if the subscription is not that any more, or was confirmed before. */
  confirm(space: SpaceId, id: SubscriptionId): boolean {
    if (this.#wanted.get(space) !== id || this.#joined.has(space)) return false
    this.#joined.add(space)
    return true
  }

  /** Nothing is joined any more; what was wanted is wanted still. */
  forget(): void {
    this.#joined.clear()
  }

  /** What has to be joined. */
  missing(): { space: SpaceId; id: SubscriptionId }[] {
    return [...this.#wanted].flatMap(([space, id]) => (this.#joined.has(space) ? [] : [{ space, id }]))
  }
}
