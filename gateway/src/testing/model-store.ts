/**
 * For tests: one Redis for several gateways, in virtual time. Commands of a connection keep their order and take a
 * moment; a connection may be cut while they are under way.
 */
import {
  type BeingId,
  type BootId,
  encodeGatewayBeat,
  encodePresenceMessage,
  type GatewayBeat,
  type PresenceHint,
  type Range,
  type SpaceId,
} from '@rhizom/protocol'
import type { PresenceWrite } from '../core/presence/local.ts'
import type { PresenceRead } from '../core/presence/remote.ts'
import type { Clock } from '@rhizom/machine'
import type { HeartbeatAnswer, HeartbeatRequest, Leave, PresenceStore, StoreListener } from '../ports.ts'
import { type PresenceBus, PresenceData } from './presence-data.ts'
import type { ProcessGate } from './process-gate.ts'

/** What each way takes. */
const COMMAND_MS = 3
const ANSWER_MS = 6

/** A gateway as a subscriber. */
export interface Subscriber {
  /** A message for it, on its way. */
  arrive(deliver: () => void): void
  hearHint(space: SpaceId, message: Uint8Array): void
  hearHeartbeat(message: Uint8Array): void
}

export class ModelRedis extends PresenceData implements PresenceBus {
  readonly subscribers = new Set<Subscriber>()
  readonly commands = new Map<string, number>()
  readonly time: Clock

  constructor(time: Clock) {
    super(() => time.nowMs())
    this.time = time
  }

  count(command: string, times = 1): void {
    this.commands.set(command, (this.commands.get(command) ?? 0) + times)
  }

  hint(space: SpaceId, { epoch, from, to }: Range, hint: PresenceHint): void {
    const message = encodePresenceMessage(epoch, from, to, hint)
    for (const one of this.subscribers) one.arrive(() => one.hearHint(space, message))
  }

  announce(heartbeat: GatewayBeat): void {
    const message = Buffer.from(encodeGatewayBeat(heartbeat))
    for (const one of this.subscribers) one.arrive(() => one.hearHeartbeat(message))
  }
}

export class ModelStore implements PresenceStore {
  readonly #redis: ModelRedis
  readonly #gate: ProcessGate
  #whenConnected: () => void = () => {}
  #isConnected = false
  #lastAt = 0
  readonly #open = new Set<(error: Error) => void>()

  constructor(redis: ModelRedis, gate: ProcessGate) {
    this.#redis = redis
    this.#gate = gate
  }

  start({ connected }: StoreListener): void {
    this.#whenConnected = connected
  }

  connect(): void {
    this.#isConnected = true
    this.#gate.enter(this.#whenConnected)
  }

  cut(): void {
    this.#isConnected = false
    for (const refuse of [...this.#open]) refuse(new Error('the connection is cut'))
  }

  /** In order at Redis; the answer comes a moment later. */
  #ask<T>(run: () => T): Promise<T> {
    if (!this.#isConnected || this.#gate.isDead) return Promise.reject(new Error('not connected'))
    const { time } = this.#redis
    this.#lastAt = Math.max(this.#lastAt, time.nowMs() + COMMAND_MS)
    return new Promise((resolve, reject) => {
      let isOpen = true
      const refuse = (error: Error): void => {
        isOpen = false
        this.#open.delete(refuse)
        this.#gate.enter(() => reject(error))
      }
      this.#open.add(refuse)
      time.after(this.#lastAt - time.nowMs(), () => {
        if (!isOpen) return
        const value = run()
        time.after(ANSWER_MS, () => {
          if (!isOpen) return
          this.#open.delete(refuse)
          this.#gate.enter(() => resolve(value))
        })
      })
    })
  }

  heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer> {
    return this.#ask(() => {
      this.#redis.count('heartbeat')
      this.#redis.count('pttl', request.peers.length)
      if (request.announce !== undefined) this.#redis.count('publish')
      if (request.countOf !== undefined) this.#redis.count('hlen')
      if (request.extendTtlOf.length > 0) this.#redis.count('pexpire', request.extendTtlOf.length)
      return this.#redis.heartbeat(request, this.#redis)
    })
  }

  write(writes: readonly PresenceWrite[]): Promise<void> {
    return this.#ask(() => {
      this.#redis.count('write', writes.length)
      for (const write of writes) this.#redis.write(write, this.#redis)
    })
  }

  read(space: SpaceId, boots: readonly BootId[]): Promise<PresenceRead> {
    return this.#ask(() => {
      this.#redis.count('read')
      return this.#redis.read(space, boots)
    })
  }

  removeEntries(space: SpaceId, boot: BootId, beings: readonly BeingId[]): Promise<void> {
    return this.#ask(() => this.#redis.removeEntries(space, boot, beings))
  }

  spacesOf(boot: BootId, limit: number): Promise<readonly SpaceId[]> {
    this.#redis.count('spacesOf')
    return this.#ask(() => this.#redis.spacesOf(boot, limit))
  }

  removeSpaces(boot: BootId, spaces: readonly SpaceId[]): Promise<void> {
    return this.#ask(() => this.#redis.removeSpaces(boot, spaces))
  }

  removeGateway(boot: BootId): Promise<void> {
    return this.#ask(() => this.#redis.removeGateway(boot))
  }

  leave(leave: Leave): Promise<void> {
    return this.#ask(() => this.#redis.leave(leave, this.#redis))
  }

  stop(): void {
    this.cut()
  }
}
