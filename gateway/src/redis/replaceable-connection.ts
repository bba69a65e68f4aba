/**
 * A connection to Redis that can be replaced while it works: the new one takes its place when it is there, as both may
 * lead to the same Redis, and what the former was asked is answered. Where the former fails, it reconnects by itself.
 *
 * A primary that was demoted keeps its connections and refuses to write. The first refusal ends the connection: a new
 * one may lead to the Redis that was promoted. It may lead to the replica again, so this is not done in a row.
 */
import { backoffMs, type Clock, type Random } from '@rhizom/machine'
import { Redis } from 'ioredis'
import type { StoreListener } from '../ports.ts'

export interface ReplaceableConnectionOptions {
  url: string
  name: string
  clock: Clock
  random: Random
  timeoutMs: number
  /** This Redis is a replica now: whoever else is connected to it should try again, too. */
  demoted(): void
  /** The one that is to take the place of this one is not there yet. */
  notReplaced(error: unknown): void
}

const RETRY = { minMs: 50, baseMs: 50, maxMs: 1000 } as const
const LEAVES_EVERY_MS = 5000

export class ReplaceableConnection {
  readonly #options: ReplaceableConnectionOptions
  #current: Redis
  #successor: Redis | undefined
  #listener: StoreListener | undefined
  #leftAtMs = -Infinity

  constructor(options: ReplaceableConnectionOptions) {
    this.#options = options
    this.#current = this.#create()
  }

  get redis(): Redis {
    return this.#current
  }

  start(listener: StoreListener): void {
    this.#listener = listener
    // A first attempt that fails is followed by others.
    this.#current.connect().catch((error: unknown) => this.#failed(this.#current, error))
  }

  replace(): void {
    this.#successor?.disconnect()
    const successor = this.#create()
    this.#successor = successor
    successor.connect().catch((error: unknown) => this.#failed(successor, error))
  }

  stop(): void {
    this.#successor?.disconnect()
    this.#current.disconnect()
  }

  #create(): Redis {
    const { url, name, timeoutMs, random } = this.#options
    const redis = new Redis(url, {
      lazyConnect: true,
      connectionName: name,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      commandTimeout: timeoutMs,
      retryStrategy: (times: number) => backoffMs(RETRY, times, random()),
      reconnectOnError: (error: Error) => error.message.includes('READONLY') && this.#leaveReplica(),
    })
    redis.on('ready', () => this.#connected(redis))
    redis.on('error', (error) => this.#failed(redis, error))
    return redis
  }

  #connected(redis: Redis): void {
    if (redis === this.#successor) {
      const former = this.#current
      this.#current = redis
      this.#successor = undefined
      former.quit().catch(() => former.disconnect())
    }
    if (redis === this.#current) this.#listener?.connected()
  }

  #failed(redis: Redis, error: unknown): void {
    if (redis === this.#current) this.#listener?.failed(error)
    else if (redis === this.#successor) this.#options.notReplaced(error)
  }

  /** True if it is time to leave. */
  #leaveReplica(): boolean {
    const { clock, demoted } = this.#options
    if (clock.nowMs() - this.#leftAtMs < LEAVES_EVERY_MS) return false
    this.#leftAtMs = clock.nowMs()
    demoted()
    return true
  }
}
