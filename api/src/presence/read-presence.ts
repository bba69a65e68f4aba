/**
 * Who is here, as gateways wrote it (protocol: presence.ts): entries in the space's hash, each counting only while the
 * lease of its gateway lives. Gateways write, renew and clean up; this reads and merges, no more.
 */
import {
  type BeingId,
  type BootId,
  gatewayLeaseSchema,
  type Here,
  LIMITS,
  mergePresence,
  parseJson,
  parsePresenceField,
  type PresenceAnswer,
  type PresenceEntry,
  presenceEntrySchema,
  REDIS,
  type SpaceId,
} from '@rhizom/protocol'
import type { Redis } from 'ioredis'

/**
 * Asks Redis. While it is away the answer is `frozen` and empty: nobody knows, rather than nobody is here. What was last
 * known is with those who watch; a node that remembered it would tell something else than the next. It is `frozen` as
 * well while no gateway is known, or one says that Redis lost its lease: others may have yet to write their entries again.
 */
export async function readPresence(redis: Redis, space: SpaceId): Promise<PresenceAnswer> {
  try {
    const entries = Object.entries(await redis.hgetall(REDIS.here(space)))
    const known = await redis.zrange(REDIS.knownGateways, '0', '-1')
    const bootIds = [...new Set([...known, ...entries.map(([field]) => field.slice(0, field.indexOf('/')))])]
    // One by one and not MGET, since in a cluster each lease lives on its own shard; sent together all the same.
    const values = await Promise.all(bootIds.map((bootId) => redis.get(REDIS.gatewayLease(bootId))))
    const leases = new Set(bootIds.filter((_bootId, index) => values[index] !== null))
    const here = mergeEntries(entries, leases)
    const frozen = known.length === 0 || values.some((value) => value !== null && isDoubtful(value))
    return { here: here.slice(0, LIMITS.maxHereListed), hereCount: here.length, frozen }
  } catch {
    return { here: [], hereCount: 0, frozen: true }
  }
}

function isDoubtful(value: string): boolean {
  const lease = parseJson(gatewayLeaseSchema, value)
  return lease.ok && lease.value.doubtfulUntil !== undefined && lease.value.doubtfulUntil > Date.now()
}

/** One entry per being, the earliest first. Fields that are none of ours are passed over. */
export function mergeEntries(entries: readonly (readonly [string, string])[], leases: ReadonlySet<string>): Here[] {
  const byBeing = new Map<BeingId, [BootId, PresenceEntry][]>()
  for (const [field, text] of entries) {
    const name = parsePresenceField(field)
    const entry = parseJson(presenceEntrySchema, text)
    if (name === undefined || !leases.has(name.bootId) || !entry.ok) continue
    const parts = byBeing.get(name.being) ?? []
    parts.push([name.bootId, entry.value])
    byBeing.set(name.being, parts)
  }
  return [...byBeing]
    .flatMap(([being, parts]): Here[] => {
      const merged = mergePresence(parts)
      return merged === undefined ? [] : [{ being, state: merged.state, since: merged.since }]
    })
    .sort((left, right) => left.since - right.since || (left.being < right.being ? -1 : 1))
}
