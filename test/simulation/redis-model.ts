/**
 * Redis: a bus, and what it holds of presence. It can go away and come back whole or empty, stand still (what is asked
 * of it then is done when it goes on, even for those who no longer wait), lose everything, or be replaced by a replica
 * that lags. Connections to it are `simulated-bus.ts` and `simulated-store.ts`.
 *
 * What presence commands do is presence-data.ts.
 */
import type { Heads, SpaceId } from '@rhizom/protocol'
import { PresenceData } from './presence-data.ts'
import type { Chance } from './chance.ts'
import type { Weather } from './plan.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface RedisPorts {
  time: VirtualTime
  chance: Chance
  /** For messages of presence and signals, so that they leave the luck of changes alone. */
  presenceChance: Chance
  weather: () => Weather
  note(what: string): void
  /** Something befell presence, which it need not take unmoved. */
  disturbed(): void
}

/** What is published: bytes on the channel of a space, heads, or what a gateway says of its presence. */
export type Published = { space: SpaceId; message: Uint8Array } | { heads: Heads } | { beat: Uint8Array }

/** A gateway's connection, as Redis sees it. */
interface Connection {
  cut(unnoticedMs: number): void
  connectSoon(): void
}

interface Asker extends Connection {
  /** What is asked may not be answered from now on. */
  loseReplies(): void
}

interface Subscriber extends Connection {
  published(published: Published): void
}

/** A standstill longer than this is noticed by those who listen. */
const STANDSTILL_NOTICED_MS = 1_000

export class RedisModel {
  readonly ports: RedisPorts
  readonly buses = new Set<Subscriber>()
  readonly stores = new Set<Asker>()
  data: PresenceData
  isUp = true
  isFrozen = false
  /** How often a hint of presence is lost, late or doubled, whatever the weather. */
  strayHints = 0
  /** Counts its starts: what was on its way to an earlier one is lost. */
  starts = 0
  #standstill: (() => void)[] = []
  /** Counts how often all was made well: a promotion planned before does not take place. */
  #heals = 0

  constructor(ports: RedisPorts) {
    this.ports = ports
    this.data = new PresenceData(ports.time.now)
  }

  get isReachable(): boolean {
    return this.isUp && !this.isFrozen
  }

  publish(published: Published): void {
    this.carryOut(() => {
      for (const bus of this.buses) bus.published(published)
    })
  }

  /** Does something here, once it goes on if it stands still, and never if it goes away before. */
  carryOut(run: () => void): void {
    if (!this.isUp) return
    if (this.isFrozen) this.#standstill.push(run)
    else run()
  }

  goAway(): void {
    if (!this.isUp) return
    this.isUp = false
    this.starts += 1
    this.isFrozen = false
    this.#standstill = []
    this.#tell('Redis goes away')
    for (const connection of [...this.buses, ...this.stores]) connection.cut(0)
  }

  comeBack(): void {
    this.#goOn()
    if (this.isUp) return
    this.isUp = true
    this.#tell('Redis comes back')
    for (const connection of [...this.buses, ...this.stores]) connection.connectSoon()
  }

  heal(): void {
    this.#heals += 1
    this.comeBack()
  }

  /** Everything it held is lost. */
  empty(): void {
    const flush = (): void => {
      this.#tell('Redis loses everything')
      this.data.flush()
    }
    if (this.isFrozen) this.#standstill.push(flush)
    else flush()
  }

  /** A replica hears nothing more from now on, and after so long takes the place of Redis. */
  fallBehind(lagMs: number, awayMs: number): void {
    const { time } = this.ports
    const replica = this.data.clone()
    const heals = this.#heals
    this.#tell('a replica of Redis falls behind')
    time.after(lagMs, () => {
      if (heals !== this.#heals) return
      this.goAway()
      this.data = replica
      this.#tell(`the replica is promoted, ${lagMs} ms behind`)
      time.after(awayMs, () => this.comeBack())
    })
  }

  standStill(forMs: number): void {
    if (!this.isReachable) return
    const { time } = this.ports
    const { starts } = this
    this.isFrozen = true
    this.#tell('Redis stands still')
    for (const store of this.stores) store.loseReplies()
    time.after(STANDSTILL_NOTICED_MS, () => {
      if (this.isFrozen && this.starts === starts) for (const bus of this.buses) bus.cut(0)
    })
    time.after(forMs, () => {
      if (this.starts === starts) this.#goOn()
    })
  }

  #goOn(): void {
    if (!this.isFrozen) return
    this.isFrozen = false
    this.#tell('Redis goes on')
    for (const run of this.#standstill.splice(0)) run()
    for (const connection of [...this.buses, ...this.stores]) connection.connectSoon()
  }

  #tell(what: string): void {
    this.ports.note(what)
    this.ports.disturbed()
  }
}
