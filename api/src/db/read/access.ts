/**
 * What a caller may read of a space, with its position: the first question of every read. A space that is removed,
 * never was, or is private to others is all the same to the caller: undefined.
 */
import type { BeingId, SpaceId } from '@rhizom/protocol'
import { and, asc, eq, exists, isNull, or } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { askBuilt, fieldsOf, query } from '../query.ts'
import { spaceFields, spaceOf } from '../rows.ts'
import { members, spaces } from '../schema.ts'

export type ReadableSpace = ReturnType<typeof spaceOf>

/** The gateway reads on behalf of many and asks for their access itself. */
export type Reader = { being: BeingId } | 'gateway'

const memberOfSpace = fieldsOf(members, ['being'])

/** Stands on the primary keys of spaces and members. */
export async function readSpace(sql: Sql, id: SpaceId, reader: Reader): Promise<ReadableSpace | undefined> {
  const allowed = reader === 'gateway' ? undefined : isReadableBy(reader.being)
  const asked = query
    .select(spaceFields)
    .from(spaces)
    .where(and(eq(spaces.id, id), isNull(spaces.removedAt), allowed))
  const [row] = await askBuilt(sql, asked)
  return row === undefined ? undefined : spaceOf(row)
}

const isReadableBy = (being: BeingId) =>
  or(
    eq(spaces.visibility, 'public'),
    exists(
      query
        .select(memberOfSpace)
        .from(members)
        .where(and(eq(members.space, spaces.id), eq(members.being, being))),
    ),
  )

/** The members of a space, whatever their role. Stands on the primary key of members. */
export async function readMembers(sql: Sql, id: SpaceId): Promise<BeingId[]> {
  const asked = query.select(memberOfSpace).from(members).where(eq(members.space, id)).orderBy(asc(members.being))
  return (await askBuilt(sql, asked)).map(({ being }) => being)
}

/** Runs `read` on one moment of the database. */
export async function atOneMoment<T>(sql: Sql, read: (sql: Sql) => Promise<T>): Promise<T> {
  await sql`begin isolation level repeatable read read only`
  const result = await read(sql)
  await sql`commit`
  return result
}
