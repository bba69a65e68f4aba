/** Pages of spaces and of the beings in one, each filtered by what the caller may read, in SQL, on an index. */
import type { Being, BeingId, Space, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { beingBytes, isWithin, pageColumns, type PageSize, rowsBefore } from './pages.ts'
import { beingColumns, beingOf, type BeingRow, spaceColumns, spaceOf, type SpaceRow } from '../rows.ts'

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
 * Spaces the caller may read, by id: public ones by spaces_public, private ones by the caller's memberships
 * (members_by_being), each already in order and cut to a page, then merged.
 */
export async function listSpaces(
  sql: Sql,
  reader: BeingId,
  after: SpaceId | undefined,
  limit: number,
): Promise<Page<Space>> {
  const from = after ?? ''
  const rows = await sql<SpaceRow[]>`
    (select ${spaceColumns(sql)} from spaces s
      where s.visibility = 'public' and s.removed_at is null and s.id > ${from} order by s.id limit ${limit + 1})
    union all
    (select ${spaceColumns(sql)} from members m join spaces s on s.id = m.space
      where m.being = ${reader} and m.space > ${from} and s.visibility = 'private' and s.removed_at is null
      order by m.space limit ${limit + 1})
    order by id limit ${limit + 1}`
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
    select ${beingColumns(sql)}, b.is_followed as "isFollowed" from (
      select b.*, ${pageColumns(sql, beingBytes(sql))} from beings b
      where b.location = ${space} and b.id > ${after ?? ''}
      window page as (order by b.id ${rowsBefore(sql)}) order by b.id limit ${size.items}) b
    where ${isWithin(sql, size)} order by b.id`
  const last = rows.at(-1)
  return {
    items: rows.map(({ isFollowed: _isFollowed, ...row }) => beingOf(row)),
    nextCursor: last?.isFollowed === true ? last.id : null,
  }
}
