/**
 * What one client watches: a watcher for each space, given to the space's feed. An answer that finds too much unsent is
 * put off, and asked for again when the client has read; until then nothing of that space is sent to it.
 */
import type { BeingId, JsonObject, Position, SpaceId } from '@rhizom/protocol'
import type { SubscriptionEvent } from '../core/connection/state.ts'
import type { Spaces } from '../space/spaces.ts'
import type { Watcher } from '../space/space-channel.ts'
import type { Outbox } from './outbox.ts'
import type { Presence, PresenceHandle } from '../presence/port.ts'

export interface Subscription extends Watcher {
  /** Whether it wants to be here, and how it is once it was answered. */
  presence: 'watching' | 'joining' | PresenceHandle
  /** Where to ask again from, if the answer could not be taken. */
  position: Position | undefined
  /** Answered, and sent everything since: not so while an answer waits for what lies unsent to drain. */
  isFollowing: boolean
}

export interface SubscriptionsDeps {
  spaces: Spaces
  presence: Presence
  outbox: Outbox
  nextWatcherId(): number
  happened(event: SubscriptionEvent): void
  /** An answer of so many bytes was sent. */
  answered(being: BeingId, bytes: number): void
  /** Runs what a feed asks of this client: what is thrown is this client's trouble, and `otherwise` is the answer. */
  guard<T>(run: () => T, otherwise: T): T
}

export class Subscriptions {
  readonly #deps: SubscriptionsDeps
  readonly #bySpace = new Map<SpaceId, Subscription>()
  /** Asked for while too much lay unsent; they are asked for when it has drained. */
  readonly #deferred = new Set<SpaceId>()
  /** Names the connection to presence, whatever it subscribes to and how often. */
  readonly #connectionId: number

  constructor(deps: SubscriptionsDeps) {
    this.#deps = deps
    this.#connectionId = deps.nextWatcherId()
  }

  get(space: SpaceId): Subscription | undefined {
    return this.#bySpace.get(space)
  }

  /** Watches a space, or watches it anew from another position. */
  watch(space: SpaceId, being: BeingId, position: Position | undefined, present: boolean): void {
    this.unwatch(space)
    this.#bySpace.set(space, this.#subscription(space, being, position, present))
    this.#ask(space)
  }

  unwatch(space: SpaceId): void {
    const subscription = this.#bySpace.get(space)
    if (subscription === undefined) return
    this.#bySpace.delete(space)
    this.#deferred.delete(space)
    handleOf(subscription)?.leave()
    this.#deps.spaces.unwatch(space, subscription.id)
  }

  /** Lets go of every space, whatever has become of them. */
  clear(): void {
    for (const space of [...this.#bySpace.keys()]) this.#deps.guard(() => this.unwatch(space), undefined)
  }

  /** False if the client does not count as here in the space. */
  setState(space: SpaceId, state: JsonObject): boolean {
    const subscription = this.#bySpace.get(space)
    handleOf(subscription)?.setState(state)
    return subscription !== undefined && subscription.presence !== 'watching'
  }

  /** The client has read what lay unsent. */
  drained(): void {
    for (const space of [...this.#deferred]) {
      this.#deferred.delete(space)
      this.#ask(space)
    }
  }

  #ask(space: SpaceId): void {
    const subscription = this.#bySpace.get(space)
    if (subscription === undefined) return
    if (this.#deps.outbox.isFull()) this.#deferred.add(space)
    else this.#deps.spaces.watch(space, subscription, subscription.position)
  }

  #subscription(space: SpaceId, being: BeingId, position: Position | undefined, present: boolean): Subscription {
    const { presence, outbox, nextWatcherId, happened, answered, guard } = this.#deps
    const id = nextWatcherId()
    const isCurrent = (): boolean => this.#bySpace.get(space)?.id === id
    const subscription: Subscription = {
      id,
      being,
      presence: present ? 'joining' : 'watching',
      position,
      isFollowing: false,
      joins: () => guard(() => joins(), false),
      answer: (message) => guard(() => answer(message), false),
      live: (batch) => guard(() => outbox.sendLive(batch), undefined),
      refused: (code, retryAfterMs) => {
        if (!isCurrent()) return
        this.#bySpace.delete(space)
        happened({ type: 'subscriptionRefused', space, code, retryAfterMs })
      },
      ended: (code) => {
        if (!isCurrent()) return
        this.#bySpace.delete(space)
        guard(() => handleOf(subscription)?.remove(), undefined)
        happened({ type: 'subscriptionEnded', space, code })
      },
    }
    const joins = (): boolean => {
      if (subscription.presence === 'watching' || !isCurrent()) return false
      subscription.presence = presence.join(space, being, this.#connectionId)
      return true
    }
    const answer = (message: Uint8Array): boolean => {
      subscription.isFollowing = isCurrent() && outbox.sendAnswer(message)
      if (!subscription.isFollowing) {
        // It is not told who is here, and joins again when it is.
        handleOf(subscription)?.leave()
        if (isCurrent() && outbox.isOpen) this.#deferred.add(space)
        return false
      }
      subscription.position = undefined
      answered(being, message.length)
      happened({ type: 'subscriptionAnswered', space })
      return outbox.isOpen
    }
    return subscription
  }
}

const handleOf = (subscription: Subscription | undefined): PresenceHandle | undefined =>
  typeof subscription?.presence === 'object' ? subscription.presence : undefined
