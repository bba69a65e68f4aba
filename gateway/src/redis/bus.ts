/**
 * The bus over Redis: one connection that listens, one that publishes. Nothing here is trusted to arrive; what counts
 * is to know soon when it does not, and never to believe a channel joined that is not. That is decided by the machine
 * of core/bus-link.ts; this file carries it out.
 *
 * After each reconnect every wanted channel is joined by this file, not by ioredis, and `recovered` is said only when
 * Redis has confirmed all of them. A ping each second finds a connection that is cut without a word.
 */
import { backoffMs, type Clock, type Random, Runner } from '@rhizom/machine'
import { parseHeadsMessage, parseRevokedMessage, REDIS, type SpaceId } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { type BusLink, type BusLinkEffect, type BusLinkEvent, busLinkMachine, startBusLink } from '../core/bus-link.ts'
import type { Bus, BusListener, Log } from '../ports.ts'
import { type ConditionLog, conditionLog, throttledWarn } from '../throttled-log.ts'
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
  /** Without heads for so long the connection counts as deaf. */
  silenceMs: number
  wall: Wall
  /** This Redis carries nothing of the api: whoever else is connected to it should try again, too. */
  leftRedis(): void
  /** A message that concerns no single space came. */
  received(kind: 'heads' | 'revoked' | 'unreadable'): void
  failed(): void
}

const PING_EVERY_MS = 1000
const DEAF_FOR_MS = 5000
const LOG_EVERY_MS = 10_000
const DEAF_SAID_EVERY_MS = 60_000
const CHANNELS_PER_COMMAND = 500
/** Those that concern no single space. */
const COMMON_CHANNELS = [REDIS.headsChannel, REDIS.revokedChannel, REDIS.gatewaysChannel]
const RETRY = { minMs: 50, baseMs: 50, maxMs: 1000 } as const

export class RedisBus implements Bus {
  readonly #ports: RedisBusPorts
  readonly #listening: Redis
  readonly #publishing: Redis
  readonly #channels = new ChannelSubscriptions()
  readonly #spaces = new Map<string, SpaceId>()
  readonly #warn: (fields: object, message: string) => void
  /** Whether what the api publishes arrives. */
  readonly #hearing: ConditionLog
  #listener: BusListener | undefined
  readonly #link: Runner<BusLink, BusLinkEvent, BusLinkEffect>

  constructor(ports: RedisBusPorts) {
    this.#ports = ports
    this.#warn = throttledWarn(ports.log, ports.clock, LOG_EVERY_MS)
    this.#hearing = conditionLog(ports.log, ports.clock, DEAF_SAID_EVERY_MS)
    this.#link = new Runner({
      ...ports,
      machine: busLinkMachine({ pingEveryMs: PING_EVERY_MS, silenceMs: ports.silenceMs, deafForMs: DEAF_FOR_MS }),
      initial: startBusLink,
      carryOut: (effect) => this.#carryOut(effect),
      faulted: (error) => ports.wall.report('bus', error),
      changed: () => {},
    })
    const options = {
      lazyConnect: true,
      connectionName: ports.name,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: ports.timeoutMs,
      socketTimeout: ports.timeoutMs,
      retryStrategy: (times: number) => backoffMs(RETRY, times, ports.random()),
    }
    this.#listening = new Redis(ports.url, options)
    this.#publishing = new Redis(ports.url, { ...options, commandTimeout: ports.timeoutMs })
    for (const redis of [this.#listening, this.#publishing])
      redis.on('error', (error: Error) => this.#troubled(error, 'Redis is not reached'))
    this.#listening.on('ready', () => {
      this.#channels.forget()
      this.#link.dispatch({ type: 'connected' })
    })
    this.#listening.on('close', () => {
      this.#channels.forget()
      this.#link.dispatch({ type: 'disconnected' })
    })
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
    return this.#link.state.status === 'up'
  }

  get status(): BusLink['status'] {
    return this.#link.state.status
  }

  apiAnswered(): void {
    this.#link.dispatch({ type: 'apiAnswered' })
  }

  /** Gives up both connections, as they may lead to a Redis that nobody else is at any more. */
  leaveRedis(): void {
    for (const redis of [this.#listening, this.#publishing]) if (redis.status === 'ready') redis.disconnect(true)
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
      return this.isUp() && (await this.#publishing.ping()) === 'PONG'
    } catch (error) {
      this.#troubled(error, 'Redis does not answer')
      return false
    }
  }

  async stop(): Promise<void> {
    this.#listener = undefined
    this.#link.stop()
    this.#listening.disconnect()
    this.#publishing.disconnect()
    await Promise.resolve()
  }

  #isConnected(): boolean {
    return this.#listening.status === 'ready'
  }

  #carryOut(effect: BusLinkEffect): void {
    switch (effect.type) {
      case 'joinChannels':
        this.#joinAll(effect.connection)
        return
      case 'ping':
        // ioredis cuts a connection that does not answer within its socket timeout; a ping is what it has to answer.
        this.#listening.ping().catch((error: unknown) => this.#troubled(error, 'Redis does not answer'))
        return
      case 'reconnect':
        this.#listening.disconnect(true)
        return
      case 'leaveRedis':
        this.leaveRedis()
        this.#ports.leftRedis()
        return
      case 'announceLost':
        if (effect.isDeaf) this.#deaf()
        else this.#listener?.lost()
        return
      case 'announceRecovered':
        this.#listener?.recovered()
        return
      default:
        effect satisfies never
    }
  }

  #deaf(): void {
    this.#hearing.bad({}, 'Redis answers and carries nothing of the api: the api is asked instead')
    this.#listener?.deaf()
  }

  #joinAll(connection: number): void {
    const missing = this.#channels.missing()
    const joins: Promise<boolean>[] = [this.#confirmed(this.#listening.subscribe(...COMMON_CHANNELS), connection)]
    for (let at = 0; at < missing.length; at += CHANNELS_PER_COMMAND)
      joins.push(this.#subscribe(missing.slice(at, at + CHANNELS_PER_COMMAND)))
    Promise.all(joins).then(
      (confirmed) => {
        if (confirmed.every(Boolean)) this.#link.dispatch({ type: 'channelsJoined', connection })
      },
      (error: unknown) => this.#troubled(error, 'joining channels failed'),
    )
  }

  #subscribe(subscriptions: readonly { space: SpaceId; id: SubscriptionId }[]): Promise<boolean> {
    const { connection } = this.#link.state
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
      return connection === this.#link.state.connection && this.#isConnected()
    } catch (error) {
      this.#troubled(error, 'joining a channel failed')
      this.#link.dispatch({ type: 'joinFailed', connection })
      return false
    }
  }

  #received(channel: Buffer, message: Buffer): void {
    const name = channel.toString('latin1')
    const space = this.#spaces.get(name)
    if (space !== undefined) {
      this.#listener?.message(space, message)
      return
    }
    if (name === REDIS.gatewaysChannel) this.#listener?.beat(message)
    if (name === REDIS.headsChannel) {
      const heads = parseHeadsMessage(message.toString('utf8'))
      this.#ports.received(heads.ok ? 'heads' : 'unreadable')
      if (!heads.ok) return
      this.#hearing.good('Redis carries what the api says again')
      this.#link.dispatch({ type: 'headsReceived' })
      this.#listener?.heads(heads.value)
    }
    if (name === REDIS.revokedChannel) {
      const revoked = parseRevokedMessage(message.toString('utf8'))
      this.#ports.received(revoked.ok ? 'revoked' : 'unreadable')
      if (revoked.ok) this.#listener?.revoked(revoked.value)
    }
  }

  #troubled(error: unknown, message: string): void {
    this.#ports.failed()
    if (this.#listener !== undefined) this.#warn({ error: String(error) }, message)
  }
}
