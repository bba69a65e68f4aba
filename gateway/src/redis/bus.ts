/**
 * The bus over Redis: one connection that listens, one that publishes. Nothing here is trusted to arrive; what counts
 * is to know soon when it does not, and never to believe a channel joined that is not.
 *
 * After each reconnect every wanted channel is joined by this file, not by ioredis, and `recovered` is said only when
 * Redis has confirmed all of them. A ping each second finds a connection that is cut without a word.
 */
import { parseHeadsMessage, parseRevokedMessage, REDIS, type SpaceId } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { backoffMs } from '../core/backoff.ts'
import type { Cancel, Clock, Random } from '@rhizom/machine'
import type { Bus, BusListener, Log } from '../ports.ts'
import { throttledWarn } from '../throttled-log.ts'
import type { Wall } from '../wall.ts'
import { ChannelSubscriptions, type SubscriptionId } from './channels.ts'

export interface RedisBusPorts {
  url: string
  /** Names the connections in Redis' client list. */
  name: string
  clock: Clock
  random: Random
  log: Log
  /** Silence after which a connection that was asked something is cut. */
  timeoutMs: number
  wall: Wall
  failed(): void
}

const PING_EVERY_MS = 1000
const LOG_EVERY_MS = 10_000
const CHANNELS_PER_COMMAND = 500
/** Those that concern no single space. */
const COMMON_CHANNELS = [REDIS.headsChannel, REDIS.revokedChannel, REDIS.gatewaysChannel]
const RETRY = { baseMs: 50, maxMs: 1000 } as const

export class RedisBus implements Bus {
  readonly #ports: RedisBusPorts
  readonly #listening: Redis
  readonly #publishing: Redis
  readonly #channels = new ChannelSubscriptions()
  readonly #spaces = new Map<string, SpaceId>()
  readonly #warn: (fields: object, message: string) => void
  #listener: BusListener | undefined
  /** Counts connections, so that an answer of an earlier one is not taken for one of this. */
  #connection = 0
  #isUp = false
  #wasUp = true
  #ping: Cancel | undefined

  constructor(ports: RedisBusPorts) {
    this.#ports = ports
    this.#warn = throttledWarn(ports.log, ports.clock, LOG_EVERY_MS)
    const options = {
      lazyConnect: true,
      connectionName: ports.name,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: ports.timeoutMs,
      socketTimeout: ports.timeoutMs,
      retryStrategy: (times: number) => RETRY.baseMs + backoffMs(RETRY, times, ports.random()),
    }
    this.#listening = new Redis(ports.url, options)
    this.#publishing = new Redis(ports.url, { ...options, commandTimeout: ports.timeoutMs })
    for (const redis of [this.#listening, this.#publishing])
      redis.on('error', (error: Error) => this.#troubled(error, 'Redis is not reached'))
    this.#listening.on('ready', () => this.#connected())
    this.#listening.on('close', () => this.#disconnected())
    this.#listening.on('messageBuffer', (channel: Buffer, message: Buffer) => {
      // What is lost by this is found by the heads, like all that Redis does not carry.
      ports.wall.around(
        'bus',
        () => this.#received(channel, message),
        () => undefined,
      )
    })
  }

  start(listener: BusListener): void {
    this.#listener = listener
    for (const redis of [this.#listening, this.#publishing])
      redis.connect().catch((error: unknown) => this.#troubled(error, 'Redis is not reached'))
  }

  isUp(): boolean {
    return this.#isUp
  }

  join(space: SpaceId): void {
    this.#spaces.set(REDIS.spaceChannel(space), space)
    const id = this.#channels.want(space)
    if (!this.#isConnected()) return
    this.#subscribe([{ space, id }]).catch((error: unknown) => this.#troubled(error, 'joining a channel failed'))
  }

  leave(space: SpaceId): void {
    const channel = REDIS.spaceChannel(space)
    this.#channels.leave(space)
    this.#spaces.delete(channel)
    if (!this.#isConnected()) return
    this.#listening.unsubscribe(channel).catch((error: unknown) => this.#troubled(error, 'leaving a channel failed'))
  }

  rejoin(space: SpaceId): void {
    if (this.#channels.isWanted(space)) this.join(space)
  }

  publish(space: SpaceId, message: Uint8Array): void {
    this.#publishing
      .publish(REDIS.spaceChannel(space), Buffer.from(message.buffer, message.byteOffset, message.byteLength))
      .catch((error: unknown) => this.#troubled(error, 'publishing failed'))
  }

  async answers(): Promise<boolean> {
    try {
      return this.#isUp && (await this.#publishing.ping()) === 'PONG'
    } catch (error) {
      this.#troubled(error, 'Redis does not answer')
      return false
    }
  }

  async stop(): Promise<void> {
    this.#listener = undefined
    this.#ping?.()
    this.#listening.disconnect()
    this.#publishing.disconnect()
    await Promise.resolve()
  }

  #isConnected(): boolean {
    return this.#listening.status === 'ready'
  }

  #connected(): void {
    this.#connection++
    this.#channels.forget()
    this.#keepPinging(this.#connection)
    this.#joinAll(this.#connection)
  }

  #joinAll(connection: number): void {
    const missing = this.#channels.missing()
    const joins: Promise<boolean>[] = [this.#confirmed(this.#listening.subscribe(...COMMON_CHANNELS), connection)]
    for (let at = 0; at < missing.length; at += CHANNELS_PER_COMMAND)
      joins.push(this.#subscribe(missing.slice(at, at + CHANNELS_PER_COMMAND)))
    Promise.all(joins).then(
      (joined) => {
        if (connection !== this.#connection || !this.#isConnected() || !joined.every(Boolean)) return
        this.#isUp = true
        if (!this.#wasUp) this.#ports.log.info({ channels: missing.length }, 'Redis is back')
        this.#wasUp = true
        this.#listener?.recovered()
      },
      (error: unknown) => this.#troubled(error, 'joining channels failed'),
    )
  }

  #subscribe(subscriptions: readonly { space: SpaceId; id: SubscriptionId }[]): Promise<boolean> {
    const connection = this.#connection
    const channels = subscriptions.map(({ space }) => REDIS.spaceChannel(space))
    return this.#confirmed(this.#listening.subscribe(...channels), connection).then((isConfirmed) => {
      if (isConfirmed)
        for (const { space, id } of subscriptions) if (this.#channels.confirm(space, id)) this.#listener?.joined(space)
      return isConfirmed
    })
  }

  /** A connection on which joining fails is of no use: another one is tried. */
  async #confirmed(reply: Promise<unknown>, connection: number): Promise<boolean> {
    try {
      await reply
      return connection === this.#connection && this.#isConnected()
    } catch (error) {
      this.#troubled(error, 'joining a channel failed')
      if (connection === this.#connection && this.#isConnected()) this.#listening.disconnect(true)
      return false
    }
  }

  #disconnected(): void {
    this.#connection++
    this.#ping?.()
    this.#channels.forget()
    if (!this.#isUp && !this.#wasUp) return
    this.#isUp = false
    this.#wasUp = false
    this.#listener?.lost()
  }

  /** ioredis cuts a connection that does not answer within its socket timeout; a ping is what it has to answer. */
  #keepPinging(connection: number): void {
    this.#ping?.()
    this.#ping = this.#ports.clock.after(PING_EVERY_MS, () => {
      if (connection !== this.#connection || !this.#isConnected()) return
      this.#listening.ping().catch((error: unknown) => this.#troubled(error, 'Redis does not answer'))
      this.#keepPinging(connection)
    })
  }

  #received(channel: Buffer, message: Buffer): void {
    const name = channel.toString('latin1')
    const space = this.#spaces.get(name)
    if (space !== undefined) {
      this.#listener?.message(space, message)
      return
    }
    if (name === REDIS.gatewaysChannel) this.#listener?.beat?.(message)
    if (name === REDIS.headsChannel) {
      const heads = parseHeadsMessage(message.toString('utf8'))
      if (heads.ok) this.#listener?.heads(heads.value)
    }
    if (name === REDIS.revokedChannel) {
      const revoked = parseRevokedMessage(message.toString('utf8'))
      if (revoked.ok) this.#listener?.revoked?.(revoked.value)
    }
  }

  #troubled(error: unknown, message: string): void {
    this.#ports.failed()
    if (this.#listener !== undefined) this.#warn({ error: String(error) }, message)
  }
}
