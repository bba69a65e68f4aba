/**
 * Presence in Redis: leases, hashes and hints, as `protocol/src/presence.ts` describes them. One connection, on which
 * commands keep their order: an entry is there before the hint that tells of it, and a lease before the first entry.
 *
 * What goes together is sent together, in one pipeline. Nothing is retried here: a command that fails rejects, and the
 * hub says everything again when Redis is back. A key that holds something else than it should costs only what is in
 * it: such a reply is logged, counted and passed over.
 */
import type { Clock, Random } from '@rhizom/machine'
import { type ConditionLog, connectRedis, throttledWarn } from '@rhizom/process'
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
import type { PresenceWrite } from '../core/presence/local.ts'
import type { PresenceRead } from '../core/presence/remote.ts'
import type { HeartbeatAnswer, HeartbeatRequest, Leave, Log, PresenceStore, StoreListener } from '../ports.ts'
import { ReplaceableConnection } from './replaceable-connection.ts'

export interface RedisPresenceStoreDeps {
  url: string
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

export class RedisPresenceStore implements PresenceStore {
  readonly #deps: RedisPresenceStoreDeps
  readonly #connection: ReplaceableConnection
  readonly #warn: (fields: object, message: string) => void

  constructor(deps: RedisPresenceStoreDeps) {
    this.#deps = deps
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
      ['set', REDIS.gatewayLease(bootId), value, 'PX', ownTtlMs, isNew ? 'NX' : 'XX'],
      // After the lease, so that whoever finds the name finds the lease as well.
      ['zadd', REDIS.knownGateways, at, bootId],
      ['zrange', REDIS.knownGateways, 0, -1],
      ...peers.map((peer): Command => ['pttl', REDIS.gatewayLease(peer)]),
      ...(countOf === undefined ? [] : [['hlen', REDIS.here(countOf)] satisfies Command]),
      ...extendTtlOf.map((space): Command => ['pexpire', REDIS.here(space), hashTtlMs]),
      ...(extendTtlOf.length === 0 ? [] : [['pexpire', REDIS.gatewaySpaces(bootId), hashTtlMs] satisfies Command]),
      ...(announce === undefined
        ? []
        : [['publish', REDIS.gatewaysChannel, encodeGatewayBeat(announce)] satisfies Command]),
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
    await this.#send(writes.flatMap((write) => writing(write, at, this.#deps.hashTtlMs)))
  }

  async read(space: SpaceId, boots: readonly BootId[]): Promise<PresenceRead> {
    const [hash] = await this.#send([['hgetall', REDIS.here(space)]])
    const entries = typeof hash === 'object' && hash !== null ? entriesOf(hash) : undefined
    const asked = [...new Set([...boots, ...(entries?.keys() ?? [])])]
    const leases = new Map<BootId, readonly BootId[]>()
    const heartbeats = new Map<BootId, number>()
    if (asked.length === 0) return { entries, leases, heartbeats }
    const [scores, ...values] = await this.#send([
      ['zmscore', REDIS.knownGateways, ...asked],
      ...asked.map((boot): Command => ['get', REDIS.gatewayLease(boot)]),
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
    return { entries, leases, heartbeats }
  }

  async removeEntries(space: SpaceId, boot: BootId, beings: readonly BeingId[]): Promise<void> {
    await this.#send(removing(space, boot, beings))
  }

  async spacesOf(boot: BootId, limit: number): Promise<readonly SpaceId[]> {
    // Any of them, so that gateways that clear up together share the work.
    const [spaces] = await this.#send([['srandmember', REDIS.gatewaySpaces(boot), limit]])
    return namesIn(spaces)
  }

  async removeSpaces(boot: BootId, spaces: readonly SpaceId[]): Promise<void> {
    await this.#send([['srem', REDIS.gatewaySpaces(boot), ...spaces]])
  }

  async removeGateway(boot: BootId): Promise<void> {
    await this.#send(removingGateway(boot))
  }

  async leave({ bootId, beings, announce }: Leave): Promise<void> {
    await this.#send([
      ...[...beings].flatMap(([space, those]) => removing(space, bootId, those)),
      ['del', REDIS.gatewayLease(bootId)],
      ...removingGateway(bootId),
      ['publish', REDIS.gatewaysChannel, encodeGatewayBeat(announce)],
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
}

function writing({ space, range, put, left, isWhole, hint }: PresenceWrite, at: number, hashTtlMs: number): Command[] {
  const { epoch: bootId, from, to } = range
  const key = REDIS.here(space)
  const spaces = REDIS.gatewaySpaces(bootId)
  const commands: Command[] = []
  // Before the entries, so that none is ever left that nobody could find; Redis may have lost the name as well.
  if (put.size > 0) commands.push(['zadd', REDIS.knownGateways, 'NX', at, bootId], ['sadd', spaces, space])
  const fields = [...put].map(([being, entry]) => [presenceField(bootId, being), JSON.stringify(entry)])
  for (const some of inParts(fields)) commands.push(['hset', key, ...some.flat()])
  commands.push(...removing(space, bootId, [...left.keys()]))
  if (isWhole && put.size > 0) commands.push(['pexpire', spaces, hashTtlMs], ['pexpire', key, hashTtlMs])
  if (isWhole && put.size === 0) commands.push(['srem', spaces, space])
  const message = Buffer.from(encodePresenceMessage(bootId, from, to, hint))
  return [...commands, ['publish', REDIS.spaceChannel(space), message]]
}

const removing = (space: SpaceId, boot: BootId, beings: readonly BeingId[]): Command[] =>
  inParts(beings).map((some) => ['hdel', REDIS.here(space), ...some.map((being) => presenceField(boot, being))])

const removingGateway = (boot: BootId): Command[] => [
  ['del', REDIS.gatewaySpaces(boot)],
  ['zrem', REDIS.knownGateways, boot],
]

/** No command carries more than so many fields. */
const inParts = <Item>(items: readonly Item[]): Item[][] =>
  Array.from({ length: Math.ceil(items.length / FIELDS_PER_COMMAND) }, (_, index) =>
    items.slice(index * FIELDS_PER_COMMAND, (index + 1) * FIELDS_PER_COMMAND),
  )

const namesIn = (reply: unknown): string[] => {
  const parts: unknown[] = Array.isArray(reply) ? reply : []
  return parts.filter((part) => typeof part === 'string')
}

function entriesOf(hash: object): Map<BootId, Map<BeingId, PresenceEntry>> {
  const entries = new Map<BootId, Map<BeingId, PresenceEntry>>()
  const fields: [string, unknown][] = Object.entries(hash)
  for (const [field, text] of fields) {
    const name = parsePresenceField(field)
    const entry = parseJson(presenceEntrySchema, String(text))
    if (name === undefined || !entry.ok) continue
    const beings = entries.get(name.bootId) ?? new Map<BeingId, PresenceEntry>()
    entries.set(name.bootId, beings.set(name.being, entry.value))
  }
  return entries
}
