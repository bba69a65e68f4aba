/**
 * Redis as the bus sees it, and a gateway's connection to it. Messages on one connection keep their order, unless the
 * weather says otherwise: that is harsher than Redis, and stands for all that lies between.
 *
 * `SimulatedBus` follows `gateway/src/feed/redis-bus.ts`: what is wanted is kept in its `Interest`, every channel is
 * joined anew after a break, and `recovered` is said when all are confirmed.
 */
import { type Heads, REDIS, type SpaceId } from '@rhizom/protocol'
import { Interest, type Wish } from '../../gateway/src/feed/interest.ts'
import type { Bus, BusListener } from '../../gateway/src/ports.ts'
import type { Chance } from './chance.ts'
import type { Gate } from './gate.ts'
import type { Weather } from './plan.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface RedisPorts {
  time: VirtualTime
  chance: Chance
  weather: () => Weather
  note(what: string): void
}

/** What is published: bytes on the channel of a space, or heads. */
type Published = { space: SpaceId; message: Uint8Array } | { heads: Heads }

export class RedisModel {
  readonly ports: RedisPorts
  readonly buses = new Set<SimulatedBus>()
  isUp = true

  constructor(ports: RedisPorts) {
    this.ports = ports
  }

  publish(published: Published): void {
    if (!this.isUp) return
    for (const bus of this.buses) bus.published(published)
  }

  goAway(): void {
    if (!this.isUp) return
    this.isUp = false
    this.ports.note('Redis goes away')
    for (const bus of this.buses) bus.cut(0)
  }

  comeBack(): void {
    if (this.isUp) return
    this.isUp = true
    this.ports.note('Redis comes back')
    for (const bus of this.buses) bus.connectSoon()
  }
}

export class SimulatedBus implements Bus {
  readonly #redis: RedisModel
  readonly #gate: Gate
  readonly #left: (space: SpaceId) => void
  readonly #interest = new Interest()
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

  start(listener: BusListener): void {
    this.#listener = listener
    if (!this.#redis.isUp) this.#gate.after(5, () => listener.lost())
    this.connectSoon()
  }

  isUp(): boolean {
    return this.#isUp
  }

  join(space: SpaceId): void {
    const wish = this.#interest.want(space)
    if (this.#isConnected) this.#subscribe(space, wish)
  }

  leave(space: SpaceId): void {
    this.#left(space)
    this.#interest.leave(space)
    if (this.#isConnected) this.#command(() => this.#subscribed.delete(REDIS.spaceChannel(space)))
  }

  rejoin(space: SpaceId): void {
    if (this.#interest.isWanted(space)) this.join(space)
  }

  publish(space: SpaceId, message: Uint8Array): void {
    this.#redis.publish({ space, message })
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
    this.#connection++
    this.#isConnected = false
    this.#isNoticed = false
    this.#subscribed.clear()
    this.#gate.after(unnoticedMs, () => {
      this.#isNoticed = true
      this.#interest.forget()
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
    this.#subscribed.delete(REDIS.spaceChannel(space))
  }

  published(published: Published): void {
    if (!this.#isConnected) return
    const { chance, weather } = this.#redis.ports
    if ('space' in published && !this.#subscribed.has(REDIS.spaceChannel(published.space))) return
    const { busDrops, busRepeats, busReorders, busForeign } = weather()
    if (chance.happens(busDrops)) return
    const isForeign = chance.happens(busForeign)
    const deliver = (): void =>
      'space' in published
        ? this.#listener?.message(published.space, isForeign ? foreign(published.message, chance) : published.message)
        : this.#listener?.heads(published.heads)
    const times = chance.happens(busRepeats) ? 2 : 1
    for (let copy = 0; copy < times; copy++) {
      if (chance.happens(busReorders)) this.#arrive(chance.int(1, 300), deliver)
      else this.#arriveInOrder(deliver)
    }
  }

  #connect(): void {
    if (this.#isConnected || !this.#isNoticed || !this.#redis.isUp || this.#gate.isDead) return
    const connection = ++this.#connection
    this.#isConnected = true
    this.#lastCommand = 0
    this.#lastArrival = 0
    this.#gate.enter(() => {
      if (connection !== this.#connection) return
      this.#interest.forget()
      for (const { space, wish } of this.#interest.missing()) this.#subscribe(space, wish)
      this.#command(
        () => undefined,
        () => {
          this.#isUp = true
          this.#listener?.recovered()
        },
      )
    })
  }

  #subscribe(space: SpaceId, wish: Wish): void {
    this.#command(
      () => this.#subscribed.add(REDIS.spaceChannel(space)),
      () => {
        if (this.#interest.confirm(space, wish)) this.#listener?.joined(space)
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
      atRedis()
      if (confirmed === undefined) return
      this.#arriveInOrder(() => {
        if (connection === this.#connection) confirmed()
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

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** The same message as another release might write it; one in three cannot be understood. */
function foreign(message: Uint8Array, chance: Chance): Uint8Array {
  const [header = '', frame = ''] = decoder.decode(message).split('\n')
  if (chance.happens(0.3)) return encoder.encode(`${header}\n{"type":"later","what":1}`)
  const { changes, ...fields } = JSON.parse(frame) as Record<string, unknown>
  return encoder.encode(`${header}\n${JSON.stringify({ later: { deep: true }, changes, ...fields })}`)
}
