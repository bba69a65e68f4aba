/**
 * Who is here, as gateways wrote it (protocol: presence.ts): entries in the space's hash, each counting only while the
 * lease of its gateway lives. Gateways write, renew and clean up; this reads and merges, no more.
 */
import { type BusSeal, isRedisFailure, leasesOf, openFields, type PresenceField } from '@rhizom/process'
import {
  type BeingId,
  type BootId,
  type Here,
  mergePresence,
  parsePresenceField,
  type PresenceAnswer,
  type PresenceEntry,
  type SpaceId,
} from '@rhizom/protocol'
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
    const leases = leasesOf(bootIds, values)
    const places = placesOf(fields, leases)
    const listed = [...places.values()].slice(0, listLimit).flat()
    const sealed = listed.length === 0 ? [] : await redis.hmget(key, ...listed)
    const found = listed.map((field, index) => [field, sealed[index] ?? ''] as const)
    const here = mergeEntries(openFields(seal, space, found))
    // Somebody may have left between the two questions.
    const hereCount = places.size > listLimit ? places.size : here.length
    const now = Date.now()
    return { here, hereCount, frozen: [...leases.values()].every(({ doubtfulUntil = 0 }) => doubtfulUntil > now) }
  } catch (error) {
    if (!isRedisFailure(error)) throw error
    return { here: [], hereCount: 0, frozen: true }
  }
}

/** The fields of each being that is here through a living gateway. Those that are none of ours are passed over. */
export function placesOf(fields: readonly string[], leases: { has(bootId: BootId): boolean }): Map<BeingId, string[]> {
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

/** One entry per being, the earliest first. */
export function mergeEntries(fields: readonly PresenceField[]): Here[] {
  const byBeing = new Map<BeingId, [BootId, PresenceEntry][]>()
  for (const { bootId, being, entry } of fields)
    if (entry !== undefined) byBeing.set(being, [...(byBeing.get(being) ?? []), [bootId, entry]])
  return [...byBeing]
    .flatMap(([being, parts]): Here[] => {
      const merged = mergePresence(parts)
      return merged === undefined ? [] : [{ being, state: merged.state, since: merged.since }]
    })
    .sort((left, right) => left.since - right.since || (left.being < right.being ? -1 : 1))
}
