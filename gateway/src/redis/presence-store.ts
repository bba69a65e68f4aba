/**
 * Presence in Redis: leases, hashes and hints, as `protocol/src/presence.ts` describes them. One connection, on which
 * commands keep their order: an entry is there before the hint that tells of it, and a lease before the first entry.
 *
 * What goes together is sent together, in one pipeline. Nothing is retried here: a command that fails rejects, and the
 * hub says everything again when Redis is back. A key that holds something else than it should costs only what is in
 * it: such a reply is logged, counted and passed over.
 */
import type { Clock, Random } from '@rhizom/machine'
import {
  type BeingId,
  type BootId,
  bootIdSchema,
  encodeGatewayBeat,
  encodePresenceMessage,
  gatewayLeaseSchema,
  type PresenceEntry,
  parseJson,
  parsePresenceField,
  presenceEntrySchema,
  presenceField,
  REDIS,
  type SpaceId,
} from '@rhizom/protocol'
import type { ChainableCommander } from 'ioredis'
import type { PresenceWrite } from '../core/presence/local.ts'
import type { Orphans, PresenceRead } from '../core/presence/remote.ts'
import type { HeartbeatAnswer, HeartbeatRequest, Leave, Log, PresenceStore, StoreListener } from '../ports.ts'
import { throttledWarn } from '../throttled-log.ts'
import { ReplaceableConnection } from './replaceable-connection.ts'

export interface RedisPresenceStoreOptions {
  url: string
  clock: Clock
  random: Random
  log: Log
  timeoutMs: number
  /** A hash that no gateway has touched for this long is nobody's any more. */
  hashTtlMs: number
  counted(command: string, times: number): void
  /** A key of ours holds something else. */
  wrongType(): void
  /** This Redis is a replica now: whoever else is connected to it should try again, too. */
  demoted(): void
}

const LOG_EVERY_MS = 60_000
const FIELDS_PER_COMMAND = 500

type Reply = [error: Error | null, result: unknown]

/** The reply of a key that holds something else than it should. */
const WRONG_TYPE = Symbol('wrong type')

export class RedisPresenceStore implements PresenceStore {
  readonly #options: RedisPresenceStoreOptions
  readonly #connection: ReplaceableConnection
  readonly #warn: (fields: object, message: string) => void

  constructor(options: RedisPresenceStoreOptions) {
    this.#options = options
    this.#warn = throttledWarn(options.log, options.clock, LOG_EVERY_MS)
    this.#connection = new ReplaceableConnection({
      ...options,
      name: 'rhizom-presence',
      notReplaced: (error) => this.#warn({ error: String(error) }, 'another connection to Redis is not to be had'),
    })
  }

  start(listener: StoreListener): void {
    this.#connection.start(listener)
  }

  /** Others found that this Redis carries nothing. */
  reconnect(): void {
    this.#connection.replace()
  }

  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer> {
    const { identity, at, isNew, doubtfulUntil, peers, announce, countOf, extendTtlOf } = request
    const { bootId, previousBootIds: formerly } = identity
    const batch = this.#batch()
    const lease = REDIS.gatewayLease(bootId)
    const value = JSON.stringify({ formerly, doubtfulUntil })
    batch.add('set', (to) =>
      isNew ? to.set(lease, value, 'PX', request.ttlMs, 'NX') : to.set(lease, value, 'PX', request.ttlMs, 'XX'),
    )
    // After the lease, so that whoever finds the name finds the lease as well.
    batch.add('zadd', (to) => to.zadd(REDIS.knownGateways, at, bootId))
    batch.add('zrange', (to) => to.zrange(REDIS.knownGateways, '0', '-1'))
    for (const peer of peers) batch.add('pttl', (to) => to.pttl(REDIS.gatewayLease(peer)))
    if (countOf !== undefined) batch.add('hlen', (to) => to.hlen(REDIS.here(countOf)))
    const { hashTtlMs } = this.#options
    for (const space of extendTtlOf) batch.add('pexpire', (to) => to.pexpire(REDIS.here(space), hashTtlMs))
    if (extendTtlOf.length > 0) batch.add('pexpire', (to) => to.pexpire(REDIS.gatewaySpaces(bootId), hashTtlMs))
    if (announce !== undefined)
      batch.add('publish', (to) => to.publish(REDIS.gatewaysChannel, encodeGatewayBeat(announce)))
    const [set, , gateways, ...replies] = await batch.run()
    const ttlMs = new Map<BootId, number>()
    for (const [index, peer] of peers.entries()) {
      const rest = Number(replies[index])
      // -2 is no such key, -1 one that lives for ever.
      if (rest !== -2) ttlMs.set(peer, rest < 0 ? Number.MAX_SAFE_INTEGER : rest)
    }
    return {
      renewed: set === 'OK',
      ttlMs,
      gateways: bootIdsIn(gateways),
      entryCount: countOf === undefined ? undefined : numberIn(replies[peers.length]),
    }
  }

  async write(writes: readonly PresenceWrite[]): Promise<void> {
    const batch = this.#batch()
    for (const write of writes) this.#addWrite(batch, write)
    await batch.run()
  }

  async read(space: SpaceId, boots: readonly BootId[]): Promise<PresenceRead> {
    this.#options.counted('hgetall', 1)
    const hash = await this.#single(this.#connection.redis.hgetall(REDIS.here(space)))
    const entries = hash === WRONG_TYPE ? undefined : entriesOf(hash)
    const asked = [...new Set([...boots, ...(entries?.keys() ?? [])])]
    const leases = new Map<BootId, readonly BootId[]>()
    const heartbeats = new Map<BootId, number>()
    if (asked.length === 0) return { entries, leases, heartbeats }
    const batch = this.#batch()
    batch.add('zmscore', (to) => to.zmscore(REDIS.knownGateways, ...asked))
    for (const boot of asked) batch.add('get', (to) => to.get(REDIS.gatewayLease(boot)))
    const [scores, ...values] = await batch.run()
    for (const [index, boot] of asked.entries()) {
      const score: unknown = Array.isArray(scores) ? scores[index] : undefined
      if (typeof score === 'string') heartbeats.set(boot, Number(score))
      const value = values[index]
      const lease = typeof value === 'string' ? parseJson(gatewayLeaseSchema, value) : undefined
      // Whatever it holds, a lease that is there stands.
      if (lease !== undefined || value === WRONG_TYPE) leases.set(boot, lease?.ok === true ? lease.value.formerly : [])
    }
    return { entries, leases, heartbeats }
  }

  async removeOrphans(space: SpaceId, orphans: Orphans): Promise<void> {
    const batch = this.#batch()
    for (const [boot, beings] of orphans) this.#addRemoval(batch, space, boot, beings)
    await batch.run()
  }

  async spacesOf(boot: BootId, limit: number): Promise<readonly SpaceId[]> {
    this.#options.counted('srandmember', 1)
    // Any of them, so that gateways that clear up together share the work.
    const spaces = await this.#single(this.#connection.redis.srandmember(REDIS.gatewaySpaces(boot), limit))
    return spaces === WRONG_TYPE ? [] : spaces
  }

  async removeSpaces(boot: BootId, spaces: readonly SpaceId[]): Promise<void> {
    this.#options.counted('srem', 1)
    await this.#single(this.#connection.redis.srem(REDIS.gatewaySpaces(boot), ...spaces))
  }

  async removeGateway(boot: BootId): Promise<void> {
    const batch = this.#batch()
    this.#addGatewayRemoval(batch, boot)
    await batch.run()
  }

  async leave({ bootId, beings, announce }: Leave): Promise<void> {
    const batch = this.#batch()
    for (const [space, those] of beings) this.#addRemoval(batch, space, bootId, those)
    batch.add('del', (to) => to.del(REDIS.gatewayLease(bootId)))
    this.#addGatewayRemoval(batch, bootId)
    batch.add('publish', (to) => to.publish(REDIS.gatewaysChannel, encodeGatewayBeat(announce)))
    await batch.run()
  }

  stop(): void {
    this.#connection.stop()
  }

  #addWrite(batch: Batch, { space, range, put, left, isWhole, hint }: PresenceWrite): void {
    const { epoch: bootId, from, to } = range
    const key = REDIS.here(space)
    const spaces = REDIS.gatewaySpaces(bootId)
    const { hashTtlMs } = this.#options
    if (put.size > 0) {
      // Before the entries, so that none is ever left that nobody could find; Redis may have lost the name as well.
      const at = this.#options.clock.dateMs()
      batch.add('zadd', (pipeline) => pipeline.zadd(REDIS.knownGateways, 'NX', at, bootId))
      batch.add('sadd', (pipeline) => pipeline.sadd(spaces, space))
      if (isWhole) batch.add('pexpire', (pipeline) => pipeline.pexpire(spaces, hashTtlMs))
    }
    const fields = [...put].map(([being, entry]) => [presenceField(bootId, being), JSON.stringify(entry)] as const)
    for (let at = 0; at < fields.length; at += FIELDS_PER_COMMAND)
      batch.add('hset', (pipeline) => pipeline.hset(key, ...fields.slice(at, at + FIELDS_PER_COMMAND).flat()))
    this.#addRemoval(batch, space, bootId, [...left.keys()])
    if (isWhole && put.size > 0) batch.add('pexpire', (pipeline) => pipeline.pexpire(key, hashTtlMs))
    if (isWhole && put.size === 0) batch.add('srem', (pipeline) => pipeline.srem(spaces, space))
    const message = Buffer.from(encodePresenceMessage(bootId, from, to, hint))
    batch.add('publish', (pipeline) => pipeline.publish(REDIS.spaceChannel(space), message))
  }

  #addRemoval(batch: Batch, space: SpaceId, boot: BootId, beings: readonly BeingId[]): void {
    const fields = beings.map((being) => presenceField(boot, being))
    for (let at = 0; at < fields.length; at += FIELDS_PER_COMMAND)
      batch.add('hdel', (to) => to.hdel(REDIS.here(space), ...fields.slice(at, at + FIELDS_PER_COMMAND)))
  }

  #addGatewayRemoval(batch: Batch, boot: BootId): void {
    batch.add('del', (to) => to.del(REDIS.gatewaySpaces(boot)))
    batch.add('zrem', (to) => to.zrem(REDIS.knownGateways, boot))
  }

  async #single<T>(reply: Promise<T>): Promise<T | typeof WRONG_TYPE> {
    try {
      return await reply
    } catch (error) {
      return this.#passOver(error)
    }
  }

  /** Throws what is no wrong type: then Redis does not do what is asked. */
  #passOver(error: unknown): typeof WRONG_TYPE {
    if (!(error instanceof Error) || !error.message.startsWith('WRONGTYPE')) throw error
    this.#warn({ error: String(error) }, 'a key of presence in Redis holds something else')
    this.#options.wrongType()
    return WRONG_TYPE
  }

  #batch(): Batch {
    return new Batch(this.#connection.redis.pipeline(), this.#options.counted, (error) => this.#passOver(error))
  }
}

/** Commands sent together; all are answered, or it rejects. */
class Batch {
  readonly #pipeline: ChainableCommander
  readonly #counted: (command: string, times: number) => void
  readonly #passOver: (error: unknown) => typeof WRONG_TYPE

  constructor(
    pipeline: ChainableCommander,
    counted: (command: string, times: number) => void,
    passOver: (error: unknown) => typeof WRONG_TYPE,
  ) {
    this.#pipeline = pipeline
    this.#counted = counted
    this.#passOver = passOver
  }

  add(command: string, append: (to: ChainableCommander) => unknown): void {
    append(this.#pipeline)
    this.#counted(command, 1)
  }

  async run(): Promise<unknown[]> {
    const replies: Reply[] | null = await this.#pipeline.exec()
    return (replies ?? []).map(([error, result]) => (error === null ? result : this.#passOver(error)))
  }
}

const numberIn = (reply: unknown): number | undefined => (typeof reply === 'number' ? reply : undefined)

function bootIdsIn(reply: unknown): BootId[] {
  const parts: unknown[] = Array.isArray(reply) ? reply : []
  return parts.flatMap((part) => {
    const bootId = bootIdSchema.safeParse(part)
    return bootId.success ? [bootId.data] : []
  })
}

function entriesOf(hash: Readonly<Record<string, string>>): Map<BootId, Map<BeingId, PresenceEntry>> {
  const entries = new Map<BootId, Map<BeingId, PresenceEntry>>()
  for (const [field, text] of Object.entries(hash)) {
    const name = parsePresenceField(field)
    const entry = parseJson(presenceEntrySchema, text)
    if (name === undefined || !entry.ok) continue
    const beings = entries.get(name.bootId) ?? new Map<BeingId, PresenceEntry>()
    entries.set(name.bootId, beings.set(name.being, entry.value))
  }
  return entries
}
