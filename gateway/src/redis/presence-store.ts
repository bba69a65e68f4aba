/**
 * Presence in Redis: leases, hashes and hints, as `protocol/src/presence.ts` describes them. One connection, on which
 * commands keep their order: an entry is there before the hint that tells of it, and a lease before the first entry.
 *
 * What goes together is sent together, in one pipeline. Nothing is retried here: a command that fails rejects, and the
 * hub says everything again when Redis is back. A key that holds something else than it should costs only what is in
 * it: such a reply is logged, counted and passed over.
 */
import type { Clock, Random } from '@rhizom/machine'
import { type BusSeal, type ConditionLog, connectRedis, throttledWarn } from '@rhizom/process'
import {
  type BeingId,
  type BootId,
  bootIdSchema,
  encodeGatewayBeat,
  encodePresenceMessage,
  gatewayLeaseSchema,
  type Parsed,
  type PresenceEntry,
  parseJson,
  parsePresenceField,
  presenceEntrySchema,
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
  counted(command: string, times: number): void
  /** A key of ours holds something else. */
  wrongType(): void
  /** This Redis is a replica now: whoever else is connected to it should try again, too. */
  demoted(): void
}

const LOG_EVERY_MS = 60_000
const FIELDS_PER_COMMAND = 500

/** A command of Redis with its arguments. */
type Command = [name: string, ...args: (string | number | Buffer)[]]

/** What stands in a hash under a name of a being on a gateway; `isOurs` if a gateway of ours signed it. */
interface Field {
  field: string
  bootId: BootId
  being: BeingId
  isOurs: boolean
  entry: Parsed<PresenceEntry> | undefined
}

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

  /** Others found that this Redis carries nothing. */
  reconnect(): void {
    this.#connection.replace()
  }

  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer> {
    const { identity, at, isNew, ttlMs: ownTtlMs, doubtfulUntil, peers, announce, countOf, extendTtlOf } = request
    const { bootId, previousBootIds: formerly } = identity
    const { hashTtlMs } = this.#deps
    const value = JSON.stringify({ formerly, doubtfulUntil })
    const [set, , gateways, ...replies] = await this.#send([
      ['set', this.#names.gatewayLease(bootId), value, 'PX', ownTtlMs, isNew ? 'NX' : 'XX'],
      // After the lease, so that whoever finds the name finds the lease as well.
      ['zadd', this.#names.knownGateways, at, bootId],
      ['zrange', this.#names.knownGateways, 0, -1],
      ...peers.map((peer): Command => ['pttl', this.#names.gatewayLease(peer)]),
      ...(countOf === undefined ? [] : [['hlen', this.#names.here(countOf)] satisfies Command]),
      ...extendTtlOf.map((space): Command => ['pexpire', this.#names.here(space), hashTtlMs]),
      ...(extendTtlOf.length === 0
        ? []
        : [['pexpire', this.#names.gatewaySpaces(bootId), hashTtlMs] satisfies Command]),
      ...(announce === undefined ? [] : this.#publishing(this.#names.gatewaysChannel, encodeGatewayBeat(announce))),
    ])
    const ttlMs = new Map<BootId, number>()
    for (const [index, peer] of peers.entries()) {
      const rest = Number(replies[index])
      // -2 is no such key, -1 one that lives for ever.
      if (rest !== -2) ttlMs.set(peer, rest < 0 ? Number.MAX_SAFE_INTEGER : rest)
    }
    const counted = countOf === undefined ? undefined : replies[peers.length]
    const entryCount = typeof counted === 'number' ? counted : undefined
    const known = namesIn(gateways).filter((boot) => bootIdSchema.safeParse(boot).success)
    return { renewed: set === 'OK', ttlMs, gateways: known, entryCount }
  }

  async write(writes: readonly PresenceWrite[]): Promise<void> {
    const at = this.#deps.clock.dateMs()
    await this.#send(writes.flatMap((write) => this.#writing(write, at)))
  }

  async read(space: SpaceId, boots: readonly BootId[]): Promise<PresenceRead> {
    // Until then nobody's word counts, and that is not to say that nobody is here.
    await this.#deps.seal.known()
    const key = this.#names.here(space)
    const [hash] = await this.#send([['hgetall', key]])
    const isHash = typeof hash === 'object' && hash !== null
    const fields = isHash ? this.#fieldsOf(key, hash) : []
    const entries = isHash ? partsOf(fields) : undefined
    const asked = [...new Set([...boots, ...fields.map(({ bootId }) => bootId)])]
    const leases = new Map<BootId, readonly BootId[]>()
    const heartbeats = new Map<BootId, number>()
    if (asked.length === 0) return { entries, leases, heartbeats }
    const [scores, ...values] = await this.#send([
      ['zmscore', this.#names.knownGateways, ...asked],
      ...asked.map((boot): Command => ['get', this.#names.gatewayLease(boot)]),
    ])
    for (const [index, boot] of asked.entries()) {
      const score: unknown = Array.isArray(scores) ? scores[index] : undefined
      if (typeof score === 'string') heartbeats.set(boot, Number(score))
      const value = values[index]
      if (value === null) continue
      const lease = typeof value === 'string' ? parseJson(gatewayLeaseSchema, value) : undefined
      // Whatever it holds, a lease that is there stands.
      leases.set(boot, lease?.ok === true ? lease.value.formerly : [])
    }
    const nobodys = fields.flatMap(({ bootId, isOurs, field }) => (isOurs || leases.has(bootId) ? [] : [field]))
    if (nobodys.length > 0) await this.#send(this.#removing(space, nobodys))
    return { entries, leases, heartbeats }
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
    for (const [name] of commands) this.#deps.counted(name, 1)
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
    const key = this.#names.here(space)
    const spaces = this.#names.gatewaySpaces(bootId)
    const commands: Command[] = []
    // Before the entries, so that none is ever left that nobody could find; Redis may have lost the name as well.
    if (put.size > 0) commands.push(['zadd', this.#names.knownGateways, 'NX', at, bootId], ['sadd', spaces, space])
    const fields = [...put].flatMap(([being, entry]): [string, Buffer][] => {
      const field = presenceField(bootId, being)
      const sealed = seal.seal(`${key} ${field}`, JSON.stringify(entry))
      return sealed === undefined ? [] : [[field, sealed]]
    })
    for (const some of inParts(fields)) commands.push(['hset', key, ...some.flat()])
    commands.push(...this.#removing(space, fieldsOf(bootId, [...left.keys()])))
    if (isWhole && put.size > 0) commands.push(['pexpire', spaces, hashTtlMs], ['pexpire', key, hashTtlMs])
    if (isWhole && put.size === 0) commands.push(['srem', spaces, space])
    const message = encodePresenceMessage(bootId, from, to, hint)
    return [...commands, ...this.#publishing(this.#names.spaceChannel(space), message)]
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

  /** The fields of a hash that have such a name as gateways give them. */
  #fieldsOf(key: string, hash: object): Field[] {
    const fields: [string, unknown][] = Object.entries(hash)
    return fields.flatMap(([field, sealed]) => {
      const name = parsePresenceField(field)
      if (name === undefined) return []
      const text = this.#deps.seal.open(`${key} ${field}`, Buffer.from(String(sealed)))
      const entry = text && parseJson(presenceEntrySchema, text.toString())
      return [{ ...name, field, isOurs: text !== undefined, entry }]
    })
  }
}

function partsOf(fields: readonly Field[]): Map<BootId, Map<BeingId, PresenceEntry>> {
  const parts = new Map<BootId, Map<BeingId, PresenceEntry>>()
  for (const { bootId, being, entry } of fields) {
    const part = parts.get(bootId) ?? new Map<BeingId, PresenceEntry>()
    if (entry?.ok === true) parts.set(bootId, part.set(being, entry.value))
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
