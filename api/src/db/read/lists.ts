/** Pages of spaces and of the beings in one, each filtered by what the caller may read, in SQL, on an index. */
import type { Being, BeingId, Space, SpaceId } from '@rhizom/protocol'
import { and, asc, eq, gt, isNull, not, sql as written } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { askBuilt, query } from '../query.ts'
import { beings, members, spaces } from '../schema.ts'
import { isReadable, isRoleOf } from './access.ts'
import { isWithin, pageColumns, type PageSize, rowsBefore } from './pages.ts'
import { beingColumns, beingOf, type BeingRow, spaceFields, spaceOf } from '../rows.ts'

const b = namesOf(beings, 'b')

export interface Page<T> {
  items: T[]
  /** The id to go on after, or null at the end. */
  nextCursor: string | null
}

function pageOf<T extends { id: string }>(rows: readonly T[], limit: number): Page<T> {
  const items = rows.slice(0, limit)
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
}

/**
 * Spaces the caller may read, by id: public ones that are listed by spaces_listed, all others by the caller's
 * memberships (members_by_being), each already in order and cut to a page, then merged.
 */
export async function listSpaces(
  sql: Sql,
  reader: BeingId,
  after: SpaceId | undefined,
  limit: number,
): Promise<Page<Space>> {
  const from = after ?? ''
  // Said as the index has it: a parameter would not show that the index covers it.
  const isListed = written`(${spaces.visibility} = 'public' and ${spaces.isListed})`
  const listed = query
    .select(spaceFields)
    .from(spaces)
    .leftJoin(members, isRoleOf(reader))
    .where(and(isListed, isNull(spaces.removedAt), isReadable, gt(spaces.id, from)))
    .orderBy(asc(spaces.id))
    .limit(limit + 1)
  const own = query
    .select(spaceFields)
    .from(members)
    .innerJoin(spaces, eq(spaces.id, members.space))
    .where(
      and(
        ...[eq(members.being, reader), gt(members.space, from)],
        ...[not(isListed), isNull(spaces.removedAt), isReadable],
      ),
    )
    .orderBy(asc(members.space))
    .limit(limit + 1)
  const rows = await askBuilt(
    sql,
    listed
      .unionAll(own)
      .orderBy(written`id`)
      .limit(limit + 1),
  )
  return pageOf(rows.map(spaceOf), limit)
}

/** Beings located in a space, by id. Stands on beings_by_location. */
export async function listBeings(
  sql: Sql,
  space: SpaceId,
  after: BeingId | undefined,
  size: PageSize,
): Promise<Page<Being>> {
  const rows = await sql<(BeingRow & { isFollowed: boolean })[]>`
    select ${beingColumns}, b.is_followed as "isFollowed" from (
      select b.*, ${pageColumns(sql, b.bytes)} from ${b.as}
      where ${b.location} = ${space} and ${b.id} > ${after ?? ''}
      window page as (order by ${b.id} ${rowsBefore(sql)}) order by ${b.id} limit ${size.items}) b
    where ${isWithin(sql, size)} order by ${b.id}`
  const last = rows.at(-1)
  return {
    items: rows.map(({ isFollowed: _isFollowed, ...row }) => beingOf(row)),
    nextCursor: last?.isFollowed === true ? last.id : null,
  }
}
