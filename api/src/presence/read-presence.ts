/**
 * Who is here, as gateways wrote it (protocol: presence.ts): entries in the space's hash, each counting only while the
 * lease of its gateway lives. Gateways write, renew and clean up; this reads and merges, no more.
 */
import { isRedisFailure } from '@rhizom/process'
import {
  type BeingId,
  type BootId,
  gatewayLeaseSchema,
  type Here,
  mergePresence,
  parseJson,
  parsePresenceField,
  type PresenceAnswer,
  type PresenceEntry,
  presenceEntrySchema,
  type SpaceId,
} from '@rhizom/protocol'
import type { BusSeal } from '@rhizom/process'
import type { Redis } from 'ioredis'

export interface PresenceSource {
  redis: Redis
  seal: BusSeal
}

/**
 * Asks Redis. Over `listLimit` a sample is listed, and only its entries are fetched and read: the others are counted by
 * their names.
 *
 * While Redis is away the answer is `frozen` and empty: nobody knows, rather than nobody is here. What was last known
 * is with those who watch; a node that remembered it would tell something else than the next. It is `frozen` as well
 * while no gateway lives, or all that do say that Redis lost their leases: others may have yet to write their entries.
 */
export async function readPresence(
  { redis, seal }: PresenceSource,
  space: SpaceId,
  listLimit: number,
): Promise<PresenceAnswer> {
  const { names } = seal
  const key = names.here(space)
  try {
    const [fields, known] = await Promise.all([redis.hkeys(key), redis.zrange(names.knownGateways, '0', '-1')])
    const bootIds = [...new Set([...known, ...fields.map((field) => field.slice(0, field.indexOf('/')))])]
    // One by one and not MGET, since in a cluster each lease lives on its own shard; sent together all the same.
    const values = await Promise.all(bootIds.map((bootId) => redis.get(names.gatewayLease(bootId))))
    const leases = new Map(
      bootIds.flatMap((bootId, index): [BootId, string][] => {
        const value = values[index]
        return typeof value === 'string' ? [[bootId, value]] : []
      }),
    )
    const places = placesOf(fields, leases)
    const listed = [...places.values()].slice(0, listLimit).flat()
    const texts = listed.length === 0 ? [] : await redis.hmget(key, ...listed)
    const entries = listed.flatMap((field, index): [string, string][] => {
      // Nobody is here by what no gateway of ours wrote.
      const text = seal.open(`${key} ${field}`, Buffer.from(texts[index] ?? ''))
      return text === undefined ? [] : [[field, text.toString()]]
    })
    const here = mergeEntries(entries, leases)
    // Somebody may have left between the two questions.
    const hereCount = places.size > listLimit ? places.size : here.length
    return { here, hereCount, frozen: [...leases.values()].every(isDoubtful) }
  } catch (error) {
    if (!isRedisFailure(error)) throw error
    return { here: [], hereCount: 0, frozen: true }
  }
}

/** The fields of each being that is here through a living gateway. Those that are none of ours are passed over. */
function placesOf(fields: readonly string[], leases: ReadonlyMap<BootId, string>): Map<BeingId, string[]> {
  const places = new Map<BeingId, string[]>()
  for (const field of fields) {
    const name = parsePresenceField(field)
    if (name === undefined || !leases.has(name.bootId)) continue
    const those = places.get(name.being)
    if (those === undefined) places.set(name.being, [field])
    else those.push(field)
  }
  return places
}

function isDoubtful(value: string): boolean {
  const lease = parseJson(gatewayLeaseSchema, value)
  return lease.ok && lease.value.doubtfulUntil !== undefined && lease.value.doubtfulUntil > Date.now()
}

/** One entry per being, the earliest first. Fields that are none of ours are passed over. */
export function mergeEntries(
  entries: readonly (readonly [string, string])[],
  leases: { has(bootId: BootId): boolean },
): Here[] {
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
