/**
 * A gateway's connection to Redis for presence, after `gateway/src/redis/presence-store.ts`: commands in order, all
 * refused when the connection breaks, which it does when one is not answered in time. What becomes of a command that
 * was not answered is left open, as it is in life: it was carried out, or in part, or never.
 */
import { type BeingId, type BootId, encodeGatewayBeat, encodePresenceMessage, type SpaceId } from '@rhizom/protocol'
import type { HeartbeatAnswer, HeartbeatRequest, Leave, PresenceStore, StoreListener } from '../../gateway/src/ports.ts'
import type { PresenceBus, PresenceData } from './presence-data.ts'
import type { Chance } from './chance.ts'
import type { Gate } from './gate.ts'
import type { StoreTrouble } from './plan.ts'
import type { RedisModel } from './redis-model.ts'

export interface StorePorts {
  redis: RedisModel
  gate: Gate
  chance: Chance
  /** How often the connection breaks at a command. */
  breaks(): number
  /** What it says when it stops. */
  leaves(leave: Leave): void
}

type PresenceWrite = Parameters<PresenceStore['write']>[0][number]
type PresenceRead = Awaited<ReturnType<PresenceStore['read']>>

/** Of a command: how it goes, decided when it is sent. */
type CommandOutcome = 'well' | 'never' | 'unanswered' | 'in part'

interface Command {
  outcome: CommandOutcome
  refuse(): void
}

const TIMEOUT_MS = 1_000
const encoder = new TextEncoder()

/** Whoever was to hear of it does not. */
const NOBODY: PresenceBus = { hint: () => undefined, announce: () => undefined }

export class SimulatedStore implements PresenceStore {
  readonly #ports: StorePorts
  readonly #open = new Set<Command>()
  #ready: (() => void) | undefined
  #isConnected = false
  #connection = 0
  /** What is wrong with the way to Redis. */
  #trouble: StoreTrouble | undefined
  #lastCommand = 0
  #lastAnswer = 0

  constructor(ports: StorePorts) {
    this.#ports = ports
    ports.redis.stores.add(this)
  }

  get isTroubled(): boolean {
    return this.#trouble !== undefined
  }

  start({ connected }: StoreListener): void {
    this.#ready = connected
    this.connectSoon()
  }

  connectSoon(): void {
    const { redis, chance } = this.#ports
    redis.ports.time.after(chance.int(20, 400), () => this.#connect())
  }

  /** The connection breaks: what was asked may or may not be done, from some command on not. */
  cut(): void {
    const { chance, redis } = this.#ports
    if (!this.#isConnected) return
    redis.ports.disturbed()
    let isLost = chance.happens(0.5)
    for (const command of this.#open) {
      isLost ||= chance.happens(0.3)
      if (isLost) command.outcome = 'never'
    }
    this.#break()
  }

  /** The way to Redis is cut, or one direction of it is silent. */
  suffer(trouble: StoreTrouble, forMs: number): void {
    const { redis } = this.#ports
    redis.ports.disturbed()
    this.#trouble = trouble
    if (trouble === 'cut') this.cut()
    this.loseReplies()
    redis.ports.time.after(forMs, () => this.#recover())
  }

  /** From now on answers may not come: those who do not get theirs in time break the connection. */
  loseReplies(): void {
    if (this.#open.size > 0) this.#breakUnlessAnswered([...this.#open])
  }

  heal(): void {
    if (this.#trouble !== undefined) this.#recover()
  }

  heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer> {
    return this.#ask(
      (data) => data.heartbeat(request, this.#bus),
      (data) => void data.heartbeat(request, NOBODY),
    )
  }

  write(writes: readonly PresenceWrite[]): Promise<void> {
    return this.#ask(
      (data) => {
        for (const write of writes) data.write(write, this.#bus)
      },
      (data) => {
        const done = this.#ports.chance.int(0, writes.length - 1)
        for (const write of writes.slice(0, done)) data.write(write, this.#bus)
        const [half] = writes.slice(done)
        if (half !== undefined) data.write(half, NOBODY)
      },
    )
  }

  /** Entries first and then leases, between which anything may happen. */
  async read(space: SpaceId, boots: readonly BootId[]): Promise<PresenceRead> {
    const { entries } = await this.#ask((data) => data.read(space, []))
    const asked = new Set([...boots, ...(entries?.keys() ?? [])])
    const { leases, heartbeats } = await this.#ask((data) => data.read(space, [...asked]))
    return { entries, leases: only(leases, asked), heartbeats: only(heartbeats, asked) }
  }

  removeEntries(space: SpaceId, boot: BootId, beings: readonly BeingId[]): Promise<void> {
    return this.#ask((data) => data.removeEntries(space, boot, beings))
  }

  spacesOf(boot: BootId, limit: number): Promise<readonly SpaceId[]> {
    return this.#ask((data) => data.spacesOf(boot, limit))
  }

  removeSpaces(boot: BootId, spaces: readonly SpaceId[]): Promise<void> {
    return this.#ask((data) => data.removeSpaces(boot, spaces))
  }

  removeGateway(boot: BootId): Promise<void> {
    return this.#ask((data) => data.removeGateway(boot))
  }

  leave(leave: Leave): Promise<void> {
    this.#ports.leaves(leave)
    return this.#ask((data) => data.leave(leave, this.#bus))
  }

  stop(): void {
    this.#ports.redis.stores.delete(this)
    this.#ready = undefined
    this.#break()
  }

  readonly #bus: PresenceBus = {
    hint: (space, { epoch, from, to }, hint) =>
      this.#ports.redis.publish({ space, message: encodePresenceMessage(epoch, from, to, hint) }),
    announce: (heartbeat) => this.#ports.redis.publish({ beat: encoder.encode(encodeGatewayBeat(heartbeat)) }),
  }

  #connect(): void {
    const { redis, gate } = this.#ports
    if (this.#isConnected || this.#ready === undefined || this.#trouble !== undefined) return
    if (!redis.isReachable || gate.isDead) return
    this.#isConnected = true
    this.#connection += 1
    this.#lastCommand = 0
    this.#lastAnswer = 0
    const connection = this.#connection
    gate.enter(() => {
      if (connection === this.#connection && this.#isConnected) this.#ready?.()
    })
  }

  #recover(): void {
    this.#trouble = undefined
    this.#ports.redis.ports.disturbed()
    this.connectSoon()
  }

  #breakUnlessAnswered(commands: readonly Command[]): void {
    const connection = this.#connection
    this.#ports.gate.after(TIMEOUT_MS, () => {
      if (connection === this.#connection && commands.some((command) => this.#open.has(command))) this.#break()
    })
  }

  /** The gateway notices: everything that was asked and not answered is refused. */
  #break(): void {
    if (!this.#isConnected) return
    this.#isConnected = false
    for (const { refuse } of [...this.#open]) refuse()
    if (this.#ready !== undefined) this.connectSoon()
  }

  /** `inPart` is what is done if the connection breaks in the middle of it. */
  #ask<T>(run: (data: PresenceData) => T, inPart?: (data: PresenceData) => void): Promise<T> {
    const { redis, gate, chance } = this.#ports
    const { time } = redis.ports
    if (!this.#isConnected) {
      time.touchPromises()
      return Promise.reject(new Error('not connected'))
    }
    const { starts } = redis
    const connection = this.#connection
    const fails = chance.happens(this.#ports.breaks())
    const outcome: CommandOutcome = fails ? chance.pick(['never', 'unanswered', 'in part']) : 'well'
    this.#lastCommand = Math.max(this.#lastCommand, time.now() + chance.int(1, 4))
    const arrivesIn = this.#lastCommand - time.now()
    return new Promise((resolve, reject) => {
      const command: Command = {
        outcome: this.#trouble === 'mute' ? 'never' : outcome,
        refuse: () => {
          if (!this.#open.delete(command)) return
          gate.enter(() => {
            time.touchPromises()
            reject(new Error('the connection broke'))
          })
        },
      }
      this.#open.add(command)
      const breakIfHere = (): void => {
        if (connection !== this.#connection) return
        // What was sent after it on the same connection does not arrive.
        for (const other of this.#open) if (other !== command) other.outcome = 'never'
        this.#break()
      }
      if (this.#trouble !== undefined || redis.isFrozen) this.#breakUnlessAnswered([command])
      const answer = (value: T): void => {
        if (this.#trouble === 'deaf') return
        this.#lastAnswer = Math.max(this.#lastAnswer, time.now() + chance.int(1, 10))
        time.after(this.#lastAnswer - time.now(), () => {
          if (!this.#open.delete(command)) return
          gate.enter(() => {
            time.touchPromises()
            resolve(value)
          })
        })
      }
      time.after(arrivesIn, () =>
        redis.carryOut(() => {
          if (starts !== redis.starts) return
          if (fails) redis.ports.disturbed()
          switch (command.outcome) {
            case 'well':
              return answer(run(redis.data))
            case 'unanswered':
              run(redis.data)
              return breakIfHere()
            case 'in part':
              inPart?.(redis.data)
              return breakIfHere()
            case 'never':
              return fails ? breakIfHere() : undefined
            default:
              return command.outcome satisfies never
          }
        }),
      )
    })
  }
}

const only = <K, V>(map: ReadonlyMap<K, V>, keys: ReadonlySet<K>): Map<K, V> =>
  new Map([...map].filter(([key]) => keys.has(key)))
