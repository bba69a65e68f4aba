/** Pages and look-ups of spaces and beings, each filtered by what the caller may read, in SQL, on an index. */
import type { Being, BeingId, Space, SpaceId } from '@rhizom/protocol'
import type { Sql } from './database.ts'
import { beingBytes, isWithin, pageColumns, type PageSize, rowsBefore } from './page-bytes.ts'
import { beingColumns, beingOf, type BeingRow, spaceColumns, spaceOf, type SpaceRow } from './rows.ts'
import { publicViewOf } from './snapshot.ts'

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

/**
 * Beings by id, as `reader` may see them: a guest or bot inside a private space of others shows its name only; a
 * document there, or that space itself, does not exist. Stands on primary keys.
 */
export async function findBeings(sql: Sql, reader: BeingId, ids: readonly BeingId[]): Promise<Being[]> {
  const rows = await sql<(BeingRow & { hidden: boolean })[]>`
    select ${beingColumns(sql)}, p.id is not null and b.id <> ${reader} as hidden
    from beings b left join spaces p on p.id = case when b.type = 'space' then b.id else b.location end
      and p.visibility = 'private'
      and not exists (select from members m where m.space = p.id and m.being = ${reader})
    where b.id = any(${[...ids]}::text[]) and b.removed_at is null
      and (p.id is null or b.type in ('guest', 'bot'))
    order by b.id`
  return rows.map(publicViewOf)
}

/** A being in full, for itself. */
export async function findBeing(sql: Sql, id: BeingId): Promise<Being | undefined> {
  const [row] = await sql<BeingRow[]>`
    select ${beingColumns(sql)} from beings b where b.id = ${id} and b.removed_at is null`
  return row === undefined ? undefined : beingOf(row)
}

/** Creates a guest located nowhere; undefined if the id is taken. Locks nothing but its own row. */
export async function createGuest(sql: Sql, id: BeingId, name: string): Promise<Being | undefined> {
  const [row] = await sql<BeingRow[]>`
    insert into beings as b (id, type, name, metadata, properties, content, rev, created_at, modified_at)
    values (${id}, 'guest', ${name}, '{}', '{}', '[]', 0, clock_timestamp(), clock_timestamp())
    on conflict (id) do nothing returning ${beingColumns(sql)}`
  return row === undefined ? undefined : beingOf(row)
}
