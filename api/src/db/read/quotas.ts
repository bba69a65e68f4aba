/**
 * How much there is of what quotas bound. No more is counted than is asked about, each on an index: what a question
 * costs is bounded by the quota and not by what there is.
 */
import type { BeingId, BeingType, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings, members, spaces } from '../schema.ts'

const b = namesOf(beings, 'b')
const m = namesOf(members, 'm')
const s = namesOf(spaces, 's')

/** Up to `most` beings of these types that an owner has. Stands on beings_by_owner. */
export async function countOwned(sql: Sql, owner: BeingId, types: readonly BeingType[], most: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from (select from ${b.as}
      where ${b.owner} = ${owner} and ${b.type} = any(${[...types]}::text[]) limit ${most}) owned`
  return row?.count ?? 0
}

/** Up to `most` roles in a space, and which of `asked` have one already. Stands on the primary key of members. */
export async function countMembers(
  sql: Sql,
  space: SpaceId,
  asked: readonly BeingId[],
  most: number,
): Promise<{ count: number; known: ReadonlySet<BeingId> }> {
  const [[row], known] = await Promise.all([
    sql<{ count: number }[]>`
      select count(*)::int as count from (select from ${m.as} where ${m.space} = ${space} limit ${most}) roles`,
    sql<{ being: BeingId }[]>`
      select ${m.being} as being from ${m.as} where ${m.space} = ${space} and ${m.being} = any(${[...asked]}::text[])`,
  ])
  return { count: row?.count ?? 0, known: new Set(known.map(({ being }) => being)) }
}

/** Whether the address of a space that was removed is still somebody else's. Stands on the primary key of spaces. */
export async function isKeptForAnother(sql: Sql, space: SpaceId, actor: BeingId, seconds: number): Promise<boolean> {
  const rows = await sql`
    select from ${s.as} where ${s.id} = ${space} and ${s.removedBy} <> ${actor}
      and ${s.removedAt} > now() - ${seconds}::float8 * interval '1 second'`
  return rows.length > 0
}
