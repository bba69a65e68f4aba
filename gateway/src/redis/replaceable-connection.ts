/**
 * A connection to Redis that can be replaced while it works: the new one takes its place when it is there, as both may
 * lead to the same Redis, and what the former was asked is answered. Where the former fails, it reconnects by itself.
 */
import { beginConnecting } from '@rhizom/process'
import type { Redis } from 'ioredis'
import type { StoreListener } from '../ports.ts'

export class ReplaceableConnection {
  readonly #connect: () => Redis
  #current: Redis
  #successor: Redis | undefined
  #listener: StoreListener | undefined

  /** `connect` makes one that has not begun to connect yet. */
  constructor(connect: () => Redis) {
    this.#connect = connect
    this.#current = this.#create()
  }

  get redis(): Redis {
    return this.#current
  }

  start(listener: StoreListener): void {
    this.#listener = listener
    beginConnecting(this.#current)
  }

  replace(): void {
    this.#successor?.disconnect()
    this.#successor = this.#create()
    beginConnecting(this.#successor)
  }

  stop(): void {
    this.#successor?.disconnect()
    this.#current.disconnect()
  }

  #create(): Redis {
    const redis = this.#connect()
    redis.on('ready', () => this.#connected(redis))
    redis.on('error', (error) => {
      if (redis === this.#current) this.#listener?.failed(error)
    })
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
}
