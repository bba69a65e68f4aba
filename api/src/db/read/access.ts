/**
 * What a caller may read of a space, with its position: the first question of every read. A space that is removed,
 * never was, or is private to others is all the same to the caller: undefined.
 */
import type { BeingId, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { type MemberRow, spaceColumns, spaceOf, type SpaceRow } from '../rows.ts'

export type ReadableSpace = ReturnType<typeof spaceOf>

/** The gateway reads on behalf of many and asks for their access itself. */
export type Reader = { being: BeingId } | 'gateway'

/** Stands on the primary keys of spaces and members. */
export async function readSpace(sql: Sql, id: SpaceId, reader: Reader): Promise<ReadableSpace | undefined> {
  const allowed =
    reader === 'gateway'
      ? sql`true`
      : sql`(s.visibility = 'public' or exists (
          select from members m where m.space = s.id and m.being = ${reader.being}))`
  const [row] = await sql<SpaceRow[]>`
    select ${spaceColumns(sql)} from spaces s where s.id = ${id} and s.removed_at is null and ${allowed}`
  return row === undefined ? undefined : spaceOf(row)
}

/** The members of a space, whatever their role. Stands on the primary key of members. */
export async function readMembers(sql: Sql, id: SpaceId): Promise<BeingId[]> {
  const rows = await sql<
    Pick<MemberRow, 'being'>[]
  >`select m.being from members m where m.space = ${id} order by m.being`
  return rows.map(({ being }) => being)
}

/** Runs `read` on one moment of the database. */
export async function atOneMoment<T>(sql: Sql, read: (sql: Sql) => Promise<T>): Promise<T> {
  await sql`begin isolation level repeatable read read only`
  const result = await read(sql)
  await sql`commit`
  return result
}
