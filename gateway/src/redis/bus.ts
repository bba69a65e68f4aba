/**
 * The bus over Redis: one connection that listens, one that publishes. Nothing here is trusted to arrive; what counts
 * is to know soon when it does not, and never to believe a channel joined that is not. That is decided by the machine
 * of core/bus-link.ts; this file carries it out.
 *
 * After each reconnect every wanted channel is joined by this file, not by ioredis, and `recovered` is said only when
 * Redis has confirmed all of them. A ping each second finds a connection that is cut without a word.
 */
import { type Clock, type Random, Runner } from '@rhizom/machine'
import { beginConnecting, type BusSeal, connectRedis, RedisFitnessCheck } from '@rhizom/process'
import {
  parseHeadsMessage,
  parseNewsMessage,
  parseRevokedMessage,
  parseWorkMessage,
  type RedisNames,
  type SpaceId,
} from '@rhizom/protocol'
import type { Redis } from 'ioredis'
import { type Conditions, headsMissing } from '../conditions.ts'
import { type BusLink, type BusLinkEffect, type BusLinkEvent, busLinkMachine, startBusLink } from '../core/bus-link.ts'
import type { Bus, BusListener, Log } from '../ports.ts'
import type { Wall } from '../wall.ts'
import { ChannelSubscriptions, type SubscriptionId } from './channels.ts'

export interface RedisBusDeps {
  url: string
  /** Names the connections in Redis' client list. */
  name: string
  /** What it does not open reaches nobody. */
  seal: BusSeal
  clock: Clock
  random: Random
  log: Log
  conditions: Pick<Conditions, 'redis' | 'heads'>
  /** Silence after which a connection that was asked something is cut. */
  timeoutMs: number
  /** Without heads for so long the connection counts as deaf. */
  silenceMs: number
  wall: Wall
  /** It is connected anew, maybe to another Redis: whoever is connected for longer should do the same. */
  connectedAnew(): void
  /** A message that concerns no single space came. */
  received(kind: 'heads' | 'revoked' | 'work' | 'news' | 'unreadable'): void
  /** Something did not work; what it was is told to the condition. */
  failed: () => void
}

const PING_EVERY_MS = 1000
const DEAF_FOR_MS = 5000
const CHANNELS_PER_COMMAND = 500

export class RedisBus implements Bus {
  readonly #deps: RedisBusDeps
  readonly #names: RedisNames
  readonly #listening: Redis
  readonly #publishing: Redis
  readonly #channels = new ChannelSubscriptions()
  readonly #spaces = new Map<string, SpaceId>()
  readonly #fitness: RedisFitnessCheck
  #listener: BusListener | undefined
  #wasConnected = false
  /** Connected for longer than what listens. */
  #isPublishingOlder = false
  readonly #link: Runner<BusLink, BusLinkEvent, BusLinkEffect>

  constructor(deps: RedisBusDeps) {
    this.#deps = deps
    this.#names = deps.seal.names
    this.#link = new Runner({
      ...deps,
      machine: busLinkMachine({ pingEveryMs: PING_EVERY_MS, silenceMs: deps.silenceMs, deafForMs: DEAF_FOR_MS }),
      initial: startBusLink,
      carryOut: (effect) => this.#carryOut(effect),
      faulted: (error) => deps.wall.report('bus', error),
      changed: () => {},
    })
    const { url, name, clock, random, conditions, timeoutMs, log } = deps
    const options = { url, clock, random, condition: conditions.redis, timeoutMs }
    this.#listening = connectRedis({ ...options, name })
    this.#publishing = connectRedis({ ...options, name: `${name}-publish`, commandTimeoutMs: timeoutMs })
    this.#fitness = new RedisFitnessCheck({
      ...{ redis: this.#publishing, condition: conditions.redis, clock, log },
      channel: this.#names.checkChannel,
    })
    for (const redis of [this.#listening, this.#publishing]) redis.on('error', deps.failed)
    this.#listening.on('ready', () => {
      this.#channels.forget()
      this.#bringOthers()
      this.#link.dispatch({ type: 'connected' })
    })
    this.#listening.on('close', () => {
      this.#channels.forget()
      this.#isPublishingOlder = this.#publishing.status === 'ready'
      this.#link.dispatch({ type: 'disconnected' })
    })
    this.#publishing.on('close', () => (this.#isPublishingOlder = false))
    this.#listening.on('messageBuffer', (channel: Buffer, message: Buffer) => {
      // What is lost by this is found by the heads, like all that Redis does not carry.
      deps.wall.around(
        'bus',
        () => this.#received(channel, message),
        () => undefined,
      )
    })
  }

  start(listener: BusListener): void {
    this.#listener = listener
    for (const redis of [this.#listening, this.#publishing]) beginConnecting(redis)
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

  /** For commands, beside what is published. */
  get commands(): Redis {
    return this.#publishing
  }

  /** Gives up both connections, as they may lead to a Redis that nobody else is at any more. */
  leaveRedis(): void {
    for (const redis of [this.#listening, this.#publishing]) if (redis.status === 'ready') redis.disconnect(true)
  }

  join(space: SpaceId): void {
    this.#spaces.set(this.#names.spaceChannel(space), space)
    const id = this.#channels.want(space)
    if (!this.#isConnected()) return
    this.#subscribe([{ space, id }]).catch(this.#deps.failed)
  }

  leave(space: SpaceId): void {
    const channel = this.#names.spaceChannel(space)
    this.#channels.leave(space)
    this.#spaces.delete(channel)
    if (!this.#isConnected()) return
    this.#listening.unsubscribe(channel).catch(this.#deps.failed)
  }

  rejoin(space: SpaceId): void {
    if (this.#channels.isWanted(space)) this.join(space)
  }

  publish(space: SpaceId, message: Uint8Array): void {
    const channel = this.#names.spaceChannel(space)
    const sealed = this.#deps.seal.seal(channel, message)
    if (sealed !== undefined) this.#publishing.publish(channel, sealed).catch(this.#deps.failed)
  }

  async answers(): Promise<boolean> {
    try {
      return this.isUp() && this.#fitness.isFit && (await this.#publishing.ping()) === 'PONG'
    } catch {
      this.#deps.failed()
      return false
    }
  }

  async stop(): Promise<void> {
    this.#listener = undefined
    this.#link.stop()
    this.#fitness.stop()
    this.#listening.disconnect()
    this.#publishing.disconnect()
    await Promise.resolve()
  }

  /**
   * What is heard and what is said and kept must not come apart: the address may name another Redis by now, while the
   * former one still answers whoever stayed there.
   */
  #bringOthers(): void {
    if (this.#isPublishingOlder) this.#publishing.disconnect(true)
    if (this.#wasConnected) this.#deps.connectedAnew()
    this.#wasConnected = true
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
        this.#listening.ping().catch(this.#deps.failed)
        return
      case 'reconnect':
        this.#listening.disconnect(true)
        return
      case 'leaveRedis':
        this.leaveRedis()
        return
      case 'announceLost':
        if (effect.isDeaf) {
          this.#deps.conditions.heads.bad(headsMissing(this.#deps.silenceMs))
          this.#listener?.deaf()
        } else this.#listener?.lost()
        return
      case 'announceRecovered':
        this.#listener?.recovered()
        return
      default:
        effect satisfies never
    }
  }

  #joinAll(connection: number): void {
    const missing = this.#channels.missing()
    const joins: Promise<boolean>[] = [
      this.#confirmed(this.#listening.subscribe(...this.#commonChannels()), connection),
    ]
    for (let at = 0; at < missing.length; at += CHANNELS_PER_COMMAND)
      joins.push(this.#subscribe(missing.slice(at, at + CHANNELS_PER_COMMAND)))
    Promise.all(joins).then((confirmed) => {
      if (confirmed.every(Boolean)) this.#link.dispatch({ type: 'channelsJoined', connection })
    }, this.#deps.failed)
  }

  /** Those that concern no single space. */
  #commonChannels(): string[] {
    const { headsChannel, revokedChannel, workChannel, newsChannel, gatewaysChannel } = this.#names
    return [headsChannel, revokedChannel, workChannel, newsChannel, gatewaysChannel]
  }

  #subscribe(subscriptions: readonly { space: SpaceId; id: SubscriptionId }[]): Promise<boolean> {
    const { connection } = this.#link.state
    const channels = subscriptions.map(({ space }) => this.#names.spaceChannel(space))
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
    } catch {
      this.#deps.failed()
      this.#link.dispatch({ type: 'joinFailed', connection })
      return false
    }
  }

  #received(channel: Buffer, sealed: Buffer): void {
    const name = channel.toString('latin1')
    const message = this.#deps.seal.open(name, sealed)
    if (message === undefined) return
    const space = this.#spaces.get(name)
    if (space !== undefined) {
      this.#listener?.message(space, message)
      return
    }
    if (name === this.#names.gatewaysChannel) this.#listener?.gatewayBeat(message)
    if (name === this.#names.headsChannel) {
      const heads = parseHeadsMessage(message.toString('utf8'))
      this.#deps.received(heads.ok ? 'heads' : 'unreadable')
      if (!heads.ok) return
      this.#deps.conditions.heads.good()
      this.#link.dispatch({ type: 'headsReceived' })
      this.#listener?.heads(heads.value)
    }
    if (name === this.#names.revokedChannel) {
      const revoked = parseRevokedMessage(message.toString('utf8'))
      this.#deps.received(revoked.ok ? 'revoked' : 'unreadable')
      if (revoked.ok) this.#listener?.revoked(revoked.value)
    }
    if (name === this.#names.workChannel) {
      const work = parseWorkMessage(message.toString('utf8'))
      this.#deps.received(work.ok ? 'work' : 'unreadable')
      if (work.ok) this.#listener?.work(work.value)
    }
    if (name === this.#names.newsChannel) {
      const news = parseNewsMessage(message.toString('utf8'))
      this.#deps.received(news.ok ? 'news' : 'unreadable')
      if (news.ok) this.#listener?.news(news.value)
    }
  }
}
