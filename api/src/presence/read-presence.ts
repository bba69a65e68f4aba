/**
 * Who is here, as gateways wrote it: entries `<bootId>/<being>` → `{state, since}` in the space's hash, each counting
 * only while the lease of its gateway lives. Gateways write, renew and clean up; this reads and merges, no more.
 */
import { type Here, hereSchema, LIMITS, parseJson, type PresenceAnswer, REDIS, type SpaceId } from '@rhizom/protocol'
import type { Redis } from 'ioredis'

const entrySchema = hereSchema.omit({ being: true })

/** Asks Redis. While it is away the answer is `frozen` and empty: nobody knows, rather than nobody is here. */
export async function readPresence(redis: Redis, space: SpaceId): Promise<PresenceAnswer> {
  try {
    const entries = Object.entries(await redis.hgetall(REDIS.here(space)))
    const bootIds = [...new Set(entries.map(([field]) => field.slice(0, field.indexOf('/'))))]
    // One by one and not MGET, since in a cluster each lease lives on its own shard; sent together all the same.
    const alive = await Promise.all(bootIds.map((bootId) => redis.exists(REDIS.gatewayLease(bootId))))
    const leases = new Set(bootIds.filter((_bootId, index) => alive[index] === 1))
    const here = mergeEntries(entries, leases)
    return { here: here.slice(0, LIMITS.maxHereListed), hereCount: here.length, frozen: false }
  } catch {
    return { here: [], hereCount: 0, frozen: true }
  }
}

/**
 * One entry per being, the earliest first. Where it is connected through several gateways, `since` is the earliest and
 * the state is that of the latest to come.
 */
export function mergeEntries(entries: readonly (readonly [string, string])[], leases: ReadonlySet<string>): Here[] {
  const merged = new Map<string, Here & { latest: number }>()
  for (const [field, text] of entries) {
    const slash = field.indexOf('/')
    const being = field.slice(slash + 1)
    const entry = parseJson(entrySchema, text)
    if (!leases.has(field.slice(0, slash)) || !hereSchema.shape.being.safeParse(being).success || !entry.ok) continue
    const { state, since } = entry.value
    const former = merged.get(being)
    merged.set(being, {
      being,
      state: former === undefined || since >= former.latest ? state : former.state,
      since: Math.min(since, former?.since ?? since),
      latest: Math.max(since, former?.latest ?? since),
    })
  }
  return [...merged.values()]
    .map(({ latest: _latest, ...here }) => here)
    .sort((left, right) => left.since - right.since || (left.being < right.being ? -1 : 1))
}
