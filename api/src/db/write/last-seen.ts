/**
 * When beings were last seen, as gateways report it. Not a change of any space: no version, no log. The latest time
 * counts, so reports may come twice, late, and from several gateways; a gateway whose clock is ahead cannot make it the
 * future. Stands on the primary key of beings.
 */
import type { LastSeenBody } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings as beingTable } from '../schema.ts'
import { timestampOf } from '../timestamp.ts'

const b = namesOf(beingTable, 'b')
const set = namesOf(beingTable)

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
        select ${b.id} as id from ${b.as} join seen on seen.id = ${b.id}
        where ${b.removedAt} is null and (${b.lastSeenAt} is null or ${b.lastSeenAt} < seen.at)
        order by ${b.id} for update of b
      )
    update ${b.as} set ${set.lastSeenAt} = greatest(${b.lastSeenAt}, seen.at)
    from seen join locked on locked.id = seen.id where ${b.id} = seen.id`
  return rows.count
}
