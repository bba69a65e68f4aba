/**
 * When beings were last seen, as gateways report it. Not a change of any space: no version, no log. The latest time
 * counts, so reports may come twice, late, and from several gateways; a gateway whose clock is ahead cannot make it the
 * future. Stands on the primary key of beings.
 */
import type { LastSeenBody } from '@rhizom/protocol'
import type { Sql } from '../db/database.ts'
import { timestampOf } from '../db/timestamp.ts'

/** Gives how many beings were seen later than known. */
export async function storeLastSeen(sql: Sql, beings: LastSeenBody['beings']): Promise<number> {
  const latest = new Map<string, number>()
  for (const { being, at } of beings) latest.set(being, Math.max(at, latest.get(being) ?? at))
  // Rows are locked in the order of their ids, as every writer of beings does.
  const ids = [...latest.keys()].sort()
  const times = ids.map((id) => timestampOf(latest.get(id) ?? 0))
  const rows = await sql`
    with seen as (
        select id, least(at, now()) as at from unnest(${ids}::text[], ${times}::timestamptz[]) as told (id, at)
      ),
      locked as (
        select b.id from beings b join seen on seen.id = b.id
        where b.removed_at is null and (b.last_seen_at is null or b.last_seen_at < seen.at)
        order by b.id for update of b
      )
    update beings b set last_seen_at = greatest(b.last_seen_at, seen.at)
    from seen join locked on locked.id = seen.id where b.id = seen.id`
  return rows.count
}
