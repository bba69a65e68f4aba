/**
 * Presence in Redis, as `protocol/src/presence.ts` describes it. One connection, on which commands keep their order: an
 * entry is there before the hint that tells of it, and a lease before the first entry. What goes together is sent in
 * one pipeline.
 *
 * Nothing is retried here: a command that fails rejects, and the hub says everything again when Redis is back. A key
 * that holds something else than it should costs only what is in it: such a reply is logged, counted and passed over.
 */
import type { Clock, Random } from '@rhizom/machine'
import {
  type BusSeal,
  type ConditionLog,
  connectRedis,
  leasesOf,
  openFields,
  type PresenceField,
  sealEntries,
  throttledWarn,
} from '@rhizom/process'
import {
  type BeingId,
  type BootId,
  bootIdSchema,
  encodeGatewayBeat,
  encodePresenceMessage,
  type PresenceEntry,
  presenceField,
  type RedisNames,
  type SpaceId,
} from '@rhizom/protocol'
import type { PresenceWrite } from '../core/presence/local.ts'
import type { PresenceRead } from '../core/presence/remote.ts'
import type { HeartbeatAnswer, HeartbeatRequest, Leave, Log, PresenceStore, StoreListener } from '../ports.ts'
import { ReplaceableConnection } from './replaceable-connection.ts'

export interface RedisPresenceStoreDeps {
  url: string
  seal: BusSeal
  clock: Clock
  random: Random
  log: Log
  condition: ConditionLog
  timeoutMs: number
  /** A hash that no gateway has touched for this long is nobody's any more. */
  hashTtlMs: number
  counted(command: string): void
  /** A key of ours holds something else. */
  wrongType(): void
  /** This Redis is a replica now: whoever else is connected to it should try again, too. */
  demoted(): void
}

const LOG_EVERY_MS = 60_000
const FIELDS_PER_COMMAND = 500

/** A command of Redis with its arguments. */
type Command = [name: string, ...args: (string | number | Buffer)[]]

export class RedisPresenceStore implements PresenceStore {
  readonly #deps: RedisPresenceStoreDeps
  readonly #names: RedisNames
  readonly #connection: ReplaceableConnection
  readonly #warn: (fields: object, message: string) => void

  constructor(deps: RedisPresenceStoreDeps) {
    this.#deps = deps
    this.#names = deps.seal.names
    const { url, timeoutMs, random, log, clock, condition, demoted } = deps
    this.#warn = throttledWarn(log, clock, LOG_EVERY_MS)
    const name = 'rhizom-presence'
    const settings = { url, name, clock, random, condition, timeoutMs, commandTimeoutMs: timeoutMs, demoted }
    this.#connection = new ReplaceableConnection(() => connectRedis(settings))
  }

  start(listener: StoreListener): void {
    this.#connection.start(listener)
  }

  /** Others are connected anew, maybe to another Redis. */
  reconnect(): void {
    this.#connection.replace()
  }

  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer> {
    const { identity, at, isNew, ttlMs: ownTtlMs, doubtfulUntil, peers, announce, countOf, extendTtlOf } = request
    const { bootId, previousBootIds: formerly } = identity
    const names = this.#names
    const value = JSON.stringify({ formerly, doubtfulUntil })
    const counted = countOf === undefined ? [] : [names.here(countOf)]
    const extended = extendTtlOf.map(names.here)
    if (extended.length > 0) extended.push(names.gatewaySpaces(bootId))
    const [set, , gateways, ...replies] = await this.#send([
      ['set', names.gatewayLease(bootId), value, 'PX', ownTtlMs, isNew ? 'NX' : 'XX'],
      // After the lease, so that whoever finds the name finds the lease as well.
      ['zadd', names.knownGateways, at, bootId],
      ['zrange', names.knownGateways, 0, -1],
      ...peers.map((peer): Command => ['pttl', names.gatewayLease(peer)]),
      ...counted.map((key): Command => ['hlen', key]),
      ...extended.map((key): Command => ['pexpire', key, this.#deps.hashTtlMs]),
      ...(announce === undefined ? [] : this.#publishing(names.gatewaysChannel, encodeGatewayBeat(announce))),
    ])
    const ttlMs = new Map<BootId, number>()
    for (const [index, peer] of peers.entries()) {
      const rest = Number(replies[index])
      // -2 is no such key, -1 one that lives for ever.
      if (rest !== -2) ttlMs.set(peer, rest < 0 ? Number.MAX_SAFE_INTEGER : rest)
    }
    const count = counted.length === 0 ? undefined : replies[peers.length]
    const known = namesIn(gateways).filter((boot) => bootIdSchema.safeParse(boot).success)
    return { renewed: set === 'OK', ttlMs, gateways: known, entryCount: typeof count === 'number' ? count : undefined }
  }

  async write(writes: readonly PresenceWrite[]): Promise<void> {
    const at = this.#deps.clock.dateMs()
    await this.#send(writes.flatMap((write) => this.#writing(write, at)))
  }

  async read(space: SpaceId, boots: readonly BootId[]): Promise<PresenceRead> {
    // Until then nobody's word counts, and that is not to say that nobody is here.
    await this.#deps.seal.known()
    const [hash] = await this.#send([['hgetall', this.#names.here(space)]])
    const isHash = typeof hash === 'object' && hash !== null
    const fields = isHash ? openFields(this.#deps.seal, space, Object.entries(hash)) : []
    const asked = [...new Set([...boots, ...fields.map(({ bootId }) => bootId)])]
    const [scores, ...values] = await this.#send([
      ['zmscore', this.#names.knownGateways, ...asked],
      ...asked.map((boot): Command => ['get', this.#names.gatewayLease(boot)]),
    ])
    const leases = new Map([...leasesOf(asked, values)].map(([boot, { formerly }]) => [boot, formerly] as const))
    const heartbeats = new Map<BootId, number>()
    for (const [index, boot] of asked.entries()) {
      const score: unknown = Array.isArray(scores) ? scores[index] : undefined
      if (typeof score === 'string') heartbeats.set(boot, Number(score))
    }
    const nobodys = fields.filter(({ bootId, isOurs }) => !isOurs && !leases.has(bootId))
    if (nobodys.length > 0)
      await this.#send(
        this.#removing(
          space,
          nobodys.map(({ field }) => field),
        ),
      )
    return { entries: isHash ? partsOf(fields) : undefined, leases, heartbeats }
  }

  async removeEntries(space: SpaceId, boot: BootId, beings: readonly BeingId[]): Promise<void> {
    await this.#send(this.#removing(space, fieldsOf(boot, beings)))
  }

  async spacesOf(boot: BootId, limit: number): Promise<readonly SpaceId[]> {
    // Any of them, so that gateways that clear up together share the work.
    const [spaces] = await this.#send([['srandmember', this.#names.gatewaySpaces(boot), limit]])
    return namesIn(spaces)
  }

  async removeSpaces(boot: BootId, spaces: readonly SpaceId[]): Promise<void> {
    await this.#send([['srem', this.#names.gatewaySpaces(boot), ...spaces]])
  }

  async removeGateway(boot: BootId): Promise<void> {
    await this.#send(this.#removingGateway(boot))
  }

  async leave({ bootId, beings, announce }: Leave): Promise<void> {
    await this.#send([
      ...[...beings].flatMap(([space, those]) => this.#removing(space, fieldsOf(bootId, those))),
      ['del', this.#names.gatewayLease(bootId)],
      ...this.#removingGateway(bootId),
      ...this.#publishing(this.#names.gatewaysChannel, encodeGatewayBeat(announce)),
    ])
  }

  stop(): void {
    this.#connection.stop()
  }

  /** Commands sent together; all are answered, or it rejects. The reply of a key of another type is undefined. */
  async #send(commands: readonly Command[]): Promise<unknown[]> {
    for (const [command] of commands) this.#deps.counted(command)
    const replies = (await this.#connection.redis.pipeline([...commands]).exec()) ?? []
    return replies.map(([error, reply]) => (error === null ? reply : this.#passOver(error)))
  }

  /** Throws what is no wrong type: then Redis does not do what is asked. */
  #passOver(error: Error): undefined {
    if (!error.message.startsWith('WRONGTYPE')) throw error
    this.#warn({ error: String(error) }, 'a key of presence in Redis holds something else')
    this.#deps.wrongType()
  }

  #writing({ space, range, put, left, isWhole, hint }: PresenceWrite, at: number): Command[] {
    const { epoch: bootId, from, to } = range
    const { seal, hashTtlMs } = this.#deps
    const names = this.#names
    const key = names.here(space)
    const spaces = names.gatewaySpaces(bootId)
    const commands: Command[] = []
    // Before the entries, so that none is ever left that nobody could find; Redis may have lost the name as well.
    if (put.size > 0) commands.push(['zadd', names.knownGateways, 'NX', at, bootId], ['sadd', spaces, space])
    for (const some of inParts(sealEntries(seal, space, bootId, put))) commands.push(['hset', key, ...some.flat()])
    commands.push(...this.#removing(space, fieldsOf(bootId, [...left.keys()])))
    if (isWhole && put.size > 0) commands.push(['pexpire', spaces, hashTtlMs], ['pexpire', key, hashTtlMs])
    if (isWhole && put.size === 0) commands.push(['srem', spaces, space])
    const message = encodePresenceMessage(bootId, from, to, hint)
    return [...commands, ...this.#publishing(names.spaceChannel(space), message)]
  }

  #removing(space: SpaceId, fields: readonly string[]): Command[] {
    return inParts(fields).map((some) => ['hdel', this.#names.here(space), ...some])
  }

  #removingGateway(boot: BootId): Command[] {
    return [
      ['del', this.#names.gatewaySpaces(boot)],
      ['zrem', this.#names.knownGateways, boot],
    ]
  }

  #publishing(channel: string, message: Uint8Array | string): Command[] {
    const sealed = this.#deps.seal.seal(channel, message)
    return sealed === undefined ? [] : [['publish', channel, sealed]]
  }
}

function partsOf(fields: readonly PresenceField[]): Map<BootId, Map<BeingId, PresenceEntry>> {
  const parts = new Map<BootId, Map<BeingId, PresenceEntry>>()
  for (const { bootId, being, entry } of fields) {
    const part = parts.get(bootId) ?? new Map<BeingId, PresenceEntry>()
    if (entry !== undefined) parts.set(bootId, part.set(being, entry))
  }
  return parts
}

/** No command carries more than so many fields. */
const inParts = <Item>(items: readonly Item[]): Item[][] =>
  Array.from({ length: Math.ceil(items.length / FIELDS_PER_COMMAND) }, (_, index) =>
    items.slice(index * FIELDS_PER_COMMAND, (index + 1) * FIELDS_PER_COMMAND),
  )

const fieldsOf = (boot: BootId, beings: readonly BeingId[]): string[] =>
  beings.map((being) => presenceField(boot, being))

const namesIn = (reply: unknown): string[] => {
  const parts: unknown[] = Array.isArray(reply) ? reply : []
  return parts.filter((part) => typeof part === 'string')
}
