/**
 * Tells the gateways what was committed: hints over Redis, in commit order of each space, on one connection. Nobody
 * waits for them. With Redis away, or more unanswered than is healthy, messages are dropped and counted: what was
 * committed is in the log, and the heads announcement (leader/heads.ts) reveals whatever was not heard of.
 */
import { isRedisFailure } from '@rhizom/process'
import { type LoggedChange, PairMap } from '@rhizom/domain'
import {
  type BeingId,
  type Change,
  type Epoch,
  encodeChangesMessage,
  encodeSignalMessage,
  type JsonObject,
  type SpaceId,
} from '@rhizom/protocol'
import type { BusSeal } from '@rhizom/process'
import type { Redis } from 'ioredis'
import type { RemovedBeing } from '../db/read/removed-beings.ts'
import type { RevokedSession } from '../db/write/sessions.ts'
import type { Metrics } from '../observe.ts'
import { type NewsHints, newsMessages } from './news.ts'
import { endedMessages, revokedMessages } from './revoked.ts'
import { workersIn, workMessages } from './work.ts'

/** One message becomes one frame, and a client should not have to take in more than this at once. */
const MAX_CHANGES_PER_MESSAGE = 200
const MAX_MESSAGE_BYTES = 128 * 1024
const MAX_UNANSWERED_BYTES = 16 * 1024 * 1024

export class Publisher {
  readonly #redis: Redis
  readonly #seal: BusSeal
  readonly #metrics: Metrics
  readonly #revokedForMs: number
  readonly #onFault: (thrown: unknown) => void
  readonly #unanswered = new Set<Promise<boolean>>()
  #unansweredBytes = 0

  /** `onFault` is told what is no absence of Redis. */
  constructor(redis: Redis, seal: BusSeal, metrics: Metrics, revokedForMs: number, onFault: (thrown: unknown) => void) {
    this.#redis = redis
    this.#seal = seal
    this.#onFault = onFault
    this.#revokedForMs = revokedForMs
    this.#metrics = metrics
  }

  /** Sends the changes on their way, in order. Returns at once and never throws for Redis' sake. */
  publish(changes: readonly LoggedChange[]): void {
    for (const run of runsOf(changes))
      for (const message of messagesOf(run))
        void this.#send(this.#seal.names.spaceChannel(run.space), message).then((sent) =>
          this.#metrics.published.inc({ outcome: sent ? 'sent' : 'dropped' }),
        )
  }

  /** Tells that tokens of these beings are no longer good, as `publish` does. */
  revoke(removed: readonly RemovedBeing[]): void {
    this.#revoke(revokedMessages(removed, this.#revokedForMs))
  }

  /** The same of tokens of sessions. */
  revokeSessions(ended: readonly RevokedSession[]): void {
    this.#revoke(endedMessages(ended, this.#revokedForMs))
  }

  #revoke(messages: readonly string[]): void {
    for (const message of messages)
      void this.#send(this.#seal.names.revokedChannel, message).then((sent) =>
        this.#metrics.revocations.inc({ outcome: sent ? 'sent' : 'dropped' }),
      )
  }

  /** Tells whoever waits for work that there is some, as `publish` does. */
  tellOfWork(changes: readonly LoggedChange[]): void {
    for (const message of workMessages(workersIn(changes)))
      void this.#send(this.#seal.names.workChannel, message).then((sent) =>
        this.#metrics.workHints.inc({ outcome: sent ? 'sent' : 'dropped' }),
      )
  }

  /** Tells gateways to whom a space became another one, as `publish` does. */
  tellOfNews(hints: NewsHints): void {
    for (const message of newsMessages(hints))
      void this.#send(this.#seal.names.newsChannel, message).then((sent) =>
        this.#metrics.newsHints.inc({ outcome: sent ? 'sent' : 'dropped' }),
      )
  }

  /** Whether Redis took the signal. */
  signal(space: SpaceId, from: BeingId, name: string, data: JsonObject | undefined): Promise<boolean> {
    return this.#send(this.#seal.names.spaceChannel(space), encodeSignalMessage(space, from, name, data))
  }

  /** Waits until what was sent is answered or has timed out. */
  async close(): Promise<void> {
    await Promise.all(this.#unanswered)
  }

  #send(channel: string, unsealed: Uint8Array | string): Promise<boolean> {
    if (this.#redis.status !== 'ready' || this.#unansweredBytes > MAX_UNANSWERED_BYTES) return Promise.resolve(false)
    const message = this.#seal.seal(channel, unsealed)
    if (message === undefined) return Promise.resolve(false)
    this.#unansweredBytes += message.length
    const answered = this.#redis
      .publish(channel, message)
      .then(
        () => true,
        (error: unknown) => {
          // Why Redis is away is said by the connection's own error listener.
          if (!isRedisFailure(error)) this.#onFault(error)
          return false
        },
      )
      .finally(() => {
        this.#unansweredBytes -= message.length
        this.#unanswered.delete(answered)
      })
    this.#unanswered.add(answered)
    return answered
  }
}

/** Consecutive changes of one history. */
export interface PublishedRun {
  space: SpaceId
  epoch: Epoch
  changes: Change[]
}

/** Groups what one commit changed by space; each space's changes stay in order. */
export function runsOf(changes: readonly LoggedChange[]): PublishedRun[] {
  const runs: PublishedRun[] = []
  const byHistory = new PairMap<SpaceId, Epoch, PublishedRun>()
  for (const { space, epoch, change } of changes) {
    const run = byHistory.get(space, epoch)
    if (run === undefined) {
      const begun: PublishedRun = { space, epoch, changes: [change] }
      byHistory.set(space, epoch, begun)
      runs.push(begun)
    } else run.changes.push(change)
  }
  return runs
}

/** A run as messages within the bounds; a single change larger than they allow still goes as one. */
export function messagesOf({ space, epoch, changes }: PublishedRun): Uint8Array[] {
  const [first] = changes
  if (first === undefined) return []
  if (changes.length <= MAX_CHANGES_PER_MESSAGE) {
    const message = encodeChangesMessage(space, epoch, first.version - 1, changes)
    if (message.length <= MAX_MESSAGE_BYTES || changes.length === 1) return [message]
  }
  const middle = Math.min(MAX_CHANGES_PER_MESSAGE, Math.ceil(changes.length / 2))
  return [
    ...messagesOf({ space, epoch, changes: changes.slice(0, middle) }),
    ...messagesOf({ space, epoch, changes: changes.slice(middle) }),
  ]
}
