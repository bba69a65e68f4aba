/**
 * What one client watches: a watcher for each space, given to the space's feed. An answer that finds too much unsent is
 * put off, and asked for again when the client has read; until then nothing of that space is sent to it.
 */
import type { BeingId, JsonObject, Position, SpaceId, UnsubscribedCode } from '@rhizom/protocol'
import type { SubscriptionEvent } from '../core/connection/state.ts'
import type { WatcherId } from '../core/feed/state.ts'
import type { ConnectionId } from '../core/presence/local.ts'
import type { SpaceRefusal } from '../core/space-refusal.ts'
import type { Spaces } from '../space/spaces.ts'
import type { Watcher } from '../space/space-channel.ts'
import type { Outbox } from './outbox.ts'
import type { PresenceHandle, PresenceHub } from '../presence/hub.ts'

/** One for all. */
export interface SubscriptionsDeps {
  spaces: Spaces
  presence: PresenceHub
  /** Names connections and their subscriptions. */
  nextId(): number
}

/** Whose subscriptions they are. */
export interface Subscriber {
  readonly outbox: Outbox
  subscriptionChanged(event: SubscriptionEvent): void
  /** An answer of so many bytes was sent. */
  answered(being: BeingId, bytes: number): void
  /** Somebody asked for a space that is not there for them. */
  refusedUnseen(being: BeingId): void
  /** Runs what a feed asks of this client: what is thrown is this client's trouble, and `otherwise` is the answer. */
  guard<T>(run: () => T, otherwise: T): T
  faulted(error: unknown): void
}

export class Subscriptions {
  readonly deps: SubscriptionsDeps
  readonly subscriber: Subscriber
  /** Names the connection to presence, whatever it subscribes to and how often. */
  readonly connectionId: ConnectionId
  /** One or few: looked through. */
  #all: readonly Subscription[] = NONE

  constructor(subscriber: Subscriber, deps: SubscriptionsDeps) {
    this.deps = deps
    this.subscriber = subscriber
    this.connectionId = deps.nextId()
  }

  isFollowing(space: SpaceId): boolean {
    return this.#get(space)?.isFollowing === true
  }

  /** Watches a space, or watches it anew from another position. */
  watch(space: SpaceId, being: BeingId, position: Position | undefined, present: boolean): void {
    this.unwatch(space)
    const subscription = new Subscription(this, space, being, position, present)
    // As long as it has to be: what is spread has room for more.
    this.#all = this.#all.concat(subscription)
    this.#ask(subscription)
  }

  unwatch(space: SpaceId): void {
    const subscription = this.#get(space)
    if (subscription === undefined) return
    this.drop(subscription)
    subscription.handle?.leave()
    this.deps.spaces.unwatch(space, subscription.id)
  }

  /** Lets go of every space, whatever has become of them. */
  clear(): void {
    for (const { space } of this.#all) this.subscriber.guard(() => this.unwatch(space), undefined)
  }

  /** False if the client does not count as here in the space. */
  setState(space: SpaceId, state: JsonObject): boolean {
    const subscription = this.#get(space)
    subscription?.handle?.setState(state)
    return subscription !== undefined && subscription.presence !== 'watching'
  }

  /** The client has read what lay unsent. */
  writable(): void {
    for (const subscription of this.#all) {
      if (!subscription.isDeferred || !this.isCurrent(subscription)) continue
      subscription.isDeferred = false
      this.#ask(subscription)
    }
  }

  isCurrent(subscription: Subscription): boolean {
    return this.#all.includes(subscription)
  }

  drop(subscription: Subscription): void {
    this.#all = this.#all.length === 1 ? NONE : this.#all.filter((one) => one !== subscription)
  }

  #get(space: SpaceId): Subscription | undefined {
    return this.#all.find((one) => one.space === space)
  }

  #ask(subscription: Subscription): void {
    if (this.subscriber.outbox.isFull()) subscription.isDeferred = true
    else this.deps.spaces.watch(subscription.space, subscription, subscription.position)
  }
}

const NONE: readonly Subscription[] = []

/** One watched space of one client: thousands of them, so that each holds no more than what is its own. */
class Subscription implements Watcher {
  readonly id: WatcherId
  readonly space: SpaceId
  readonly being: BeingId
  /** Whether it wants to be here, and how it is once it was answered. */
  presence: 'watching' | 'joining' | PresenceHandle
  /** Answered, and sent everything since: not so while an answer waits for what lies unsent to drain. */
  isFollowing = false
  /** Asked for while too much lay unsent; it is asked for when that has gone. */
  isDeferred = false
  /** Where to ask again from, if the answer could not be taken. */
  position: Position | undefined
  readonly #of: Subscriptions

  constructor(of: Subscriptions, space: SpaceId, being: BeingId, position: Position | undefined, present: boolean) {
    this.#of = of
    this.id = of.deps.nextId()
    this.space = space
    this.being = being
    this.presence = present ? 'joining' : 'watching'
    this.position = position
  }

  get handle(): PresenceHandle | undefined {
    return typeof this.presence === 'object' ? this.presence : undefined
  }

  joins(): boolean {
    return this.#of.subscriber.guard(() => {
      if (this.presence === 'watching' || !this.#of.isCurrent(this)) return false
      this.presence = this.#of.deps.presence.join(this.space, this.being, this.#of.connectionId)
      return true
    }, false)
  }

  answer(message: Uint8Array): boolean {
    return this.#of.subscriber.guard(() => this.#answer(message), false)
  }

  /** For each of all who follow, so nothing is made for it. */
  live(batch: Uint8Array): void {
    const { subscriber } = this.#of
    try {
      subscriber.outbox.sendLive(batch)
    } catch (error) {
      subscriber.faulted(error)
    }
  }

  refused(refusal: SpaceRefusal): void {
    if (!this.#of.isCurrent(this)) return
    this.#of.drop(this)
    if (refusal.code === 'not-found') this.#of.subscriber.refusedUnseen(this.being)
    this.#of.subscriber.subscriptionChanged({ type: 'subscriptionRefused', space: this.space, refusal })
  }

  ended(code: UnsubscribedCode): void {
    if (!this.#of.isCurrent(this)) return
    this.#of.drop(this)
    this.#of.subscriber.subscriptionChanged({ type: 'subscriptionEnded', space: this.space, code })
  }

  #answer(message: Uint8Array): boolean {
    const { subscriber } = this.#of
    this.isFollowing = this.#of.isCurrent(this) && subscriber.outbox.sendAnswer(message)
    if (!this.isFollowing) {
      // It is not told who is here, and joins again when it is.
      this.handle?.leave()
      if (this.#of.isCurrent(this) && subscriber.outbox.isOpen) this.isDeferred = true
      return false
    }
    this.position = undefined
    subscriber.answered(this.being, message.length)
    subscriber.subscriptionChanged({ type: 'subscriptionAnswered', space: this.space })
    return subscriber.outbox.isOpen
  }
}
