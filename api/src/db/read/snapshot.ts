/**
 * The state of a space: rows and version of one moment, so that changes after `version` continue it without a seam.
 * To be called inside `atOneMoment`, after `readSpace`.
 */
import type { Snapshot, Space } from '@rhizom/protocol'
import { asc, eq, sql as written } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { askBuilt, query } from '../query.ts'
import { beingColumns, beingOf, type BeingRow, memberFields, memberOf } from '../rows.ts'
import { beings as beingTable, members as memberTable } from '../schema.ts'
import { readAuthors } from './beings.ts'
import { readNewest } from './intentions.ts'
import { isWithin, pageColumns, type PageSize, rowsBefore } from './pages.ts'

const b = namesOf(beingTable, 'b')
const counting = { count: written<number>`count(*)`.as('count') }

/** Of the beings located there, and of the newest intentions. */
export interface SnapshotSizes {
  beings: PageSize
  intentions: PageSize
  /** Of the authors of those intentions that are not among those beings. */
  authorBytes: number
}

export async function readSnapshot(sql: Sql, space: Space, sizes: SnapshotSizes): Promise<Snapshot> {
  const [located, [counted], page, members] = await Promise.all([
    // beings_lately_active
    sql<BeingRow[]>`
      select ${beingColumns} from (
        select b.*, ${pageColumns(sql, b.bytes)} from ${b.as} where ${b.location} = ${space.id}
        window page as (order by ${b.modifiedAt} desc, ${b.id} ${rowsBefore(sql)})
        order by ${b.modifiedAt} desc, ${b.id} limit ${sizes.beings.items}) b
      where ${isWithin(sql, sizes.beings)} order by ${b.modifiedAt} desc, ${b.id}`,
    // beings_by_location
    askBuilt(sql, query.select(counting).from(beingTable).where(eq(beingTable.location, space.id))),
    readNewest(sql, space, sizes.intentions),
    // members_pkey
    askBuilt(
      sql,
      query
        .select(memberFields)
        .from(memberTable)
        .where(eq(memberTable.space, space.id))
        .orderBy(asc(memberTable.being)),
    ),
  ])
  const beings = located.map(beingOf)
  const listed = new Set(beings.map(({ id }) => id))
  const authors = await readAuthors(sql, space.id, page.intentions, listed, sizes.authorBytes)
  return {
    space,
    epoch: space.epoch,
    version: space.version,
    beings: [...beings, ...authors],
    beingCount: counted?.count ?? 0,
    intentions: page.intentions,
    hasMore: page.hasMore,
    members: members.map(memberOf),
  }
}
