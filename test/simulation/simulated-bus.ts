/**
 * A gateway's connection to Redis as a bus. Messages on one connection keep their order, unless the weather says
 * otherwise: that is harsher than Redis, and stands for all that lies between.
 *
 * It follows `gateway/src/redis/bus.ts`: what is wanted is kept in its `ChannelSubscriptions`, every channel is joined
 * anew after a break, and `recovered` is said when all are confirmed.
 */
import { REDIS, type SpaceId } from '@rhizom/protocol'
import { ChannelSubscriptions, type SubscriptionId } from '../../gateway/src/redis/channels.ts'
import type { Bus, BusListener } from '../../gateway/src/ports.ts'
import type { Chance } from './chance.ts'
import type { Gate } from './gate.ts'
import type { Published, RedisModel } from './redis-model.ts'

export class SimulatedBus implements Bus {
  readonly #redis: RedisModel
  readonly #gate: Gate
  readonly #left: (space: SpaceId) => void
  readonly #channels = new ChannelSubscriptions()
  /** What Redis itself believes this connection listens to. */
  readonly #subscribed = new Set<string>()
  #listener: BusListener | undefined
  /** Counts connections: what was on its way on an earlier one is lost. */
  #connection = 0
  #isConnected = false
  /** The gateway knows that the last connection broke. */
  #isNoticed = true
  #isUp = false
  #lastCommand = 0
  #lastArrival = 0

  /** `left` hears of channels that the gateway leaves. */
  constructor(redis: RedisModel, gate: Gate, left: (space: SpaceId) => void) {
    this.#left = left
    this.#redis = redis
    this.#gate = gate
    redis.buses.add(this)
  }

  /** It is never deaf here: a connection that lives carries. */
  apiAnswered(): void {}

  start(listener: BusListener): void {
    this.#listener = listener
    if (!this.#redis.isUp) this.#gate.after(5, () => listener.lost())
    this.connectSoon()
  }

  isUp(): boolean {
    return this.#isUp
  }

  join(space: SpaceId): void {
    const id = this.#channels.want(space)
    if (this.#isConnected) this.#subscribe(space, id)
  }

  leave(space: SpaceId): void {
    this.#left(space)
    this.#channels.leave(space)
    if (this.#isConnected) this.#command(() => this.#subscribed.delete(REDIS.spaceChannel(space)))
  }

  rejoin(space: SpaceId): void {
    if (this.#channels.isWanted(space)) this.join(space)
  }

  /** A hint that may be lost: it is where there is no connection. */
  publish(space: SpaceId, message: Uint8Array): void {
    if (this.#isConnected) this.#command(() => this.#redis.publish({ space, message }))
  }

  answers(): Promise<boolean> {
    return Promise.resolve(this.#isUp)
  }

  stop(): Promise<void> {
    this.#redis.buses.delete(this)
    this.#listener = undefined
    this.#connection++
    return Promise.resolve()
  }

  /** The connection breaks; the gateway notices after a while. */
  cut(unnoticedMs: number): void {
    if (!this.#isConnected) return
    this.#redis.ports.disturbed()
    this.#connection++
    this.#isConnected = false
    this.#isNoticed = false
    this.#subscribed.clear()
    this.#gate.after(unnoticedMs, () => {
      this.#isNoticed = true
      this.#channels.forget()
      this.#isUp = false
      this.#listener?.lost()
      this.connectSoon()
    })
  }

  connectSoon(): void {
    const { time, chance } = this.#redis.ports
    time.after(chance.int(20, 400), () => this.#connect())
  }

  /** How many channels Redis believes this connection listens to. */
  get channels(): number {
    return this.#subscribed.size
  }

  /** Redis forgets one subscription without a word. */
  forget(space: SpaceId): void {
    this.#redis.ports.disturbed()
    this.#subscribed.delete(REDIS.spaceChannel(space))
  }

  published(published: Published): void {
    if (!this.#isConnected) return
    if ('space' in published && !this.#subscribed.has(REDIS.spaceChannel(published.space))) return
    const { chance: usual, presenceChance, weather, disturbed } = this.#redis.ports
    const isPresence = isOfPresence(published)
    const chance = isPresence ? presenceChance : usual
    if ('space' in published && isPresence && chance.happens(this.#redis.strayHints)) {
      disturbed()
      for (let copies = chance.int(0, 2); copies > 0; copies--)
        this.#arrive(chance.int(1, MOST_ASTRAY_MS), () => this.#hand(published, undefined))
      return
    }
    const { busDrops, busRepeats, busReorders, busForeign } = weather()
    const suffers = (): void => {
      if (isPresence) disturbed()
    }
    if (chance.happens(busDrops)) return suffers()
    const isForeign = chance.happens(busForeign)
    if (isForeign) suffers()
    const deliver = (): void => this.#hand(published, isForeign ? chance : undefined)
    const times = chance.happens(busRepeats) ? 2 : 1
    for (let copy = 0; copy < times; copy++) {
      if (chance.happens(busReorders)) {
        suffers()
        this.#arrive(chance.int(1, 300), deliver)
      } else this.#arriveInOrder(deliver)
    }
  }

  /** With `foreignChance` a message of a space is as another release might write it. */
  #hand(published: Published, foreignChance: Chance | undefined): void {
    if ('heads' in published) this.#listener?.heads(published.heads)
    else if ('beat' in published) this.#listener?.gatewayBeat(published.beat)
    else {
      const { space, message } = published
      this.#listener?.message(space, foreignChance === undefined ? message : foreign(message, foreignChance))
    }
  }

  #connect(): void {
    if (this.#isConnected || !this.#isNoticed || !this.#redis.isReachable || this.#gate.isDead) return
    const connection = ++this.#connection
    this.#isConnected = true
    this.#lastCommand = 0
    this.#lastArrival = 0
    this.#gate.enter(() => {
      if (connection !== this.#connection) return
      this.#channels.forget()
      for (const { space, id } of this.#channels.missing()) this.#subscribe(space, id)
      this.#command(
        () => undefined,
        () => {
          this.#isUp = true
          this.#listener?.recovered()
        },
      )
    })
  }

  #subscribe(space: SpaceId, id: SubscriptionId): void {
    this.#command(
      () => this.#subscribed.add(REDIS.spaceChannel(space)),
      () => {
        if (this.#channels.confirm(space, id)) this.#listener?.joined(space)
      },
    )
  }

  /** Does something at Redis, in order with what this connection was told, and hears of it. */
  #command(atRedis: () => void, confirmed?: () => void): void {
    const { time, chance } = this.#redis.ports
    const connection = this.#connection
    this.#lastCommand = Math.max(this.#lastCommand, time.now() + chance.int(1, 4))
    time.after(this.#lastCommand - time.now(), () => {
      if (connection !== this.#connection) return
      this.#redis.carryOut(() => {
        if (connection !== this.#connection) return
        atRedis()
        if (confirmed === undefined) return
        this.#arriveInOrder(() => {
          if (connection === this.#connection) confirmed()
        })
      })
    })
  }

  #arriveInOrder(run: () => void): void {
    const { time, chance } = this.#redis.ports
    this.#lastArrival = Math.max(this.#lastArrival, time.now() + chance.int(1, 12))
    this.#arrive(this.#lastArrival - time.now(), run)
  }

  #arrive(ms: number, run: () => void): void {
    const connection = this.#connection
    this.#redis.ports.time.after(ms, () => {
      if (connection === this.#connection) this.#gate.enter(run)
    })
  }
}

/** A hint may come after others that are newer, and after what was read since. */
const MOST_ASTRAY_MS = 1_500

const CHANGES = 'rhizom1 changes '
const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** The same message as another release might write it; one in three cannot be understood. */
function foreign(message: Uint8Array, chance: Chance): Uint8Array {
  const [header = '', frame = ''] = decoder.decode(message).split('\n')
  if (chance.happens(0.3)) return encoder.encode(`${header}\n{"type":"later","what":1}`)
  const { changes, ...fields } = JSON.parse(frame) as Record<string, unknown>
  return encoder.encode(`${header}\n${JSON.stringify({ later: { deep: true }, changes, ...fields })}`)
}

/** Whether it is about who is here, or a signal. */
const isOfPresence = (published: Published): boolean =>
  'beat' in published ||
  ('message' in published && decoder.decode(published.message.subarray(0, CHANGES.length)) !== CHANGES)
