/**
 * The state of a space: rows and version of one moment, so that changes after `version` continue it without a seam.
 * To be called inside `atOneMoment`, after `readSpace`.
 */
import type { Being, BeingId, Intention, Snapshot, Space, SpaceId } from '@rhizom/protocol'
import type postgres from 'postgres'
import type { Sql } from './database.ts'
import { beingBytes, intentionBytes, isWithin, pageColumns, type PageSize, rowsBefore } from './page-bytes.ts'
import {
  beingColumns,
  beingOf,
  type BeingRow,
  intentionColumns,
  intentionOf,
  type IntentionRow,
  memberOf,
  type MemberRow,
} from './rows.ts'

/** Of the beings located there, and of the newest intentions. */
export interface SnapshotSizes {
  beings: PageSize
  intentions: PageSize
}

export async function readSnapshot(sql: Sql, space: Space, sizes: SnapshotSizes): Promise<Snapshot> {
  const [located, [counted], page, members] = await Promise.all([
    // beings_lately_active
    sql<BeingRow[]>`
      select ${beingColumns(sql)} from (
        select b.*, ${pageColumns(sql, beingBytes(sql))} from beings b where b.location = ${space.id}
        window page as (order by b.modified_at desc, b.id ${rowsBefore(sql)})
        order by b.modified_at desc, b.id limit ${sizes.beings.items}) b
      where ${isWithin(sql, sizes.beings)} order by b.modified_at desc, b.id`,
    // beings_by_location
    sql<{ count: number }[]>`select count(*) as count from beings b where b.location = ${space.id}`,
    readNewest(sql, space.id, sizes.intentions),
    // members_pkey
    sql<MemberRow[]>`select m.space, m.being, m.role from members m where m.space = ${space.id} order by m.being`,
  ])
  const beings = located.map(beingOf)
  const authors = await readAuthors(sql, space.id, page.intentions, new Set(beings.map(({ id }) => id)))
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

export interface IntentionPage {
  /** Oldest first. */
  intentions: Intention[]
  hasMore: boolean
}

export const readNewest = (sql: Sql, space: SpaceId, size: PageSize): Promise<IntentionPage> =>
  readPage(sql, sql`i.location = ${space}`, size)

/** Those before an intention, which must be of this space; undefined if it is not. */
export async function readBefore(
  sql: Sql,
  space: SpaceId,
  before: string,
  size: PageSize,
): Promise<IntentionPage | undefined> {
  const [mark] = await sql<{ position: number }[]>`
    select i.position from intentions i where i.id = ${before} and i.location = ${space}`
  if (mark === undefined) return undefined
  return readPage(sql, sql`i.location = ${space} and i.position < ${mark.position}`, size)
}

/** Stands on intentions_by_position. */
async function readPage(sql: Sql, which: postgres.Fragment, size: PageSize): Promise<IntentionPage> {
  const rows = await sql<(IntentionRow & { isFollowed: boolean })[]>`
    select ${intentionColumns(sql)}, i.is_followed as "isFollowed" from (
      select i.*, ${pageColumns(sql, intentionBytes(sql))} from intentions i where ${which}
      window page as (order by i.position desc ${rowsBefore(sql)}) order by i.position desc limit ${size.items}) i
    where ${isWithin(sql, size)} order by i.position desc`
  return {
    intentions: rows.map(({ isFollowed: _isFollowed, ...row }) => intentionOf(row)).reverse(),
    hasMore: rows.at(-1)?.isFollowed ?? false,
  }
}

/**
 * The owners of `intentions` that are not among `known`, as any reader of `space` may see them: one that is inside
 * another, private space is shown by its name and as being nowhere, since its readers need not know of that space.
 */
export async function readAuthors(
  sql: Sql,
  space: SpaceId,
  intentions: readonly Intention[],
  known: ReadonlySet<BeingId>,
): Promise<Being[]> {
  const wanted = [...new Set(intentions.map(({ owner }) => owner))].filter((id) => !known.has(id)).sort()
  if (wanted.length === 0) return []
  const rows = await sql<(BeingRow & { hidden: boolean })[]>`
    select ${beingColumns(sql)}, b.location is not null and b.location <> ${space}
      and (select s.visibility from spaces s where s.id = b.location) = 'private' as hidden
    from beings b where b.id = any(${wanted}::text[]) and b.removed_at is null order by b.id`
  return rows.map(publicViewOf)
}

/** A being as those see it who may not see where it is. */
export function publicViewOf({ hidden, ...row }: BeingRow & { hidden: boolean }): Being {
  const being = beingOf(row)
  return hidden ? { ...being, location: null, metadata: {}, properties: {}, content: [] } : being
}
