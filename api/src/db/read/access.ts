/**
 * What a caller may read of a space, with its position: the first question of every read. A space that is removed,
 * never was, is private to others or bans the caller is all the same to the caller: undefined.
 */
import { type Right, RIGHTS_OF, standingIn } from '@rhizom/domain'
import type { BeingId, Role, SpaceId } from '@rhizom/protocol'
import { and, asc, eq, isNull, sql as written } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { askBuilt, query } from '../query.ts'
import { memberFields, spaceFields, spaceOf } from '../rows.ts'
import { members, spaces } from '../schema.ts'

export type ReadableSpace = ReturnType<typeof spaceOf>

/** The gateway reads on behalf of many and asks for their access itself. */
export type Reader = { being: BeingId } | 'gateway'

/** Stands on the primary keys of spaces and members. */
export async function readSpace(sql: Sql, id: SpaceId, reader: Reader): Promise<ReadableSpace | undefined> {
  const isThere = and(eq(spaces.id, id), isNull(spaces.removedAt))
  const found = query.select(spaceFields).from(spaces)
  const [row] = await (reader === 'gateway'
    ? askBuilt(sql, found.where(isThere))
    : askBuilt(sql, found.leftJoin(members, isRoleOf(reader.being)).where(and(isThere, isReadable))))
  return row === undefined ? undefined : spaceOf(row)
}

/** To join the row that says which role a being has in a space. */
export const isRoleOf = (being: BeingId) => and(eq(members.space, spaces.id), eq(members.being, being))

/** What the table of rights (@rhizom/domain) says of reading, over a space joined with the role of its reader. */
export const isReadable = written`(case when ${members.role} is null then ${spaces.visibility} = 'public'
  else ${members.role} <> 'banned' end)`

/** What a being may do in a space; undefined where there is none for it. Stands on the same. */
export async function readRights(sql: Sql, id: SpaceId, being: BeingId): Promise<readonly Right[] | undefined> {
  const found = query.select({ ...spaceFields, role: written<Role | null>`${members.role}`.as('role') }).from(spaces)
  const isThere = and(eq(spaces.id, id), isNull(spaces.removedAt))
  const [row] = await askBuilt(sql, found.leftJoin(members, isRoleOf(being)).where(isThere))
  const rights = row === undefined ? [] : RIGHTS_OF[standingIn(row, row.role ?? undefined)]
  return rights.includes('read') ? rights : undefined
}

/** Who reads the space while it is private, and who does not while it is public. */
export interface Roles {
  readers: BeingId[]
  banned: BeingId[]
}

/** Stands on the primary key of members. */
export async function readRoles(sql: Sql, id: SpaceId): Promise<Roles> {
  const roles: Roles = { readers: [], banned: [] }
  const rows = await askBuilt(
    sql,
    query.select(memberFields).from(members).where(eq(members.space, id)).orderBy(asc(members.being)),
  )
  for (const { being, role } of rows) (role === 'banned' ? roles.banned : roles.readers).push(being)
  return roles
}

/** Runs `read` on one moment of the database. */
export async function atOneMoment<T>(sql: Sql, read: (sql: Sql) => Promise<T>): Promise<T> {
  await sql`begin isolation level repeatable read read only`
  const result = await read(sql)
  await sql`commit`
  return result
}
