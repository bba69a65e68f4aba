/**
 * What operators look at: beings and spaces with what they hold, and what operators did. Sizes are summed when they
 * are asked for: these are questions of a person, and not of every reader. By owner and by place they stand on
 * intentions_by_owner and intentions_by_position.
 */
import type { AuditRow, BeingId, FoundBeing, FoundSpace, OperatorFind, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf, type RowOf, selectedFrom } from '../names.ts'
import { weightOfIntention } from '../rows.ts'
import { beings, intentions, members, operatorActions, spaces } from '../schema.ts'

const b = namesOf(beings, 'b')
const s = namesOf(spaces, 's')
const i = namesOf(intentions, 'i')
const m = namesOf(members, 'm')
const a = namesOf(operatorActions, 'a')

type Timed<Found, Times extends keyof Found> = Omit<Found, Times> & { [Time in Times]: Date }

type BeingFound = Timed<FoundBeing, 'createdAt' | 'activeAt'> & { removedAt: Date | null }
const beingColumns = selectedFrom(beings, 'b', ['id', 'type', 'name', 'owner', 'location', 'createdAt', 'removedAt'])

/** Removed ones included: they may be erased as well. */
export async function findBeingsOf(sql: Sql, { id = '', name = '', sort, limit, cursor = '' }: OperatorFind) {
  const rows = await sql<BeingFound[]>`
    select ${beingColumns}, greatest(${b.lastSeenAt}, ${b.modifiedAt}) as "activeAt", held.* from ${b.as}
    cross join lateral (
      select count(*)::int as intentions,
        coalesce(sum(${weightOfIntention(sql)}), 0)::float8 as bytes
      from ${i.as} where ${i.owner} = ${b.id}) held
    where ${b.type} <> 'space' and strpos(${b.id}, ${id}) > 0
      and strpos(lower(${b.name}), lower(${name}::text)) > 0 and ${b.id} > ${cursor}
    order by ${orderOf(sql, sort)} ${b.id} limit ${limit}`
  return rows.map(
    ({ createdAt, activeAt, removedAt, ...rest }): FoundBeing => ({
      ...rest,
      ...{ createdAt: createdAt.getTime(), activeAt: activeAt.getTime(), removedAt: removedAt?.getTime() ?? null },
    }),
  )
}

type SpaceFound = Timed<FoundSpace, 'createdAt' | 'activeAt'>
const spaceColumns = selectedFrom(spaces, 's', ['id', 'name', 'visibility', 'version', 'createdAt'])

export async function findSpacesOf(sql: Sql, { id = '', name = '', sort, limit, cursor = '' }: OperatorFind) {
  const rows = await sql<SpaceFound[]>`
    select ${spaceColumns}, ${s.changedAt} as "activeAt", held.*, roles.*,
      (select count(*)::int from ${b.as} where ${b.location} = ${s.id}) as beings from ${s.as}
    cross join lateral (
      select count(*)::int as intentions,
        coalesce(sum(${weightOfIntention(sql)}), 0)::float8 as bytes
      from ${i.as} where ${i.location} = ${s.id}) held
    cross join lateral (
      select count(*)::int as members,
        coalesce(jsonb_agg(${m.being} order by ${m.being}) filter (where ${m.role} = 'owner'), '[]') as owners
      from ${m.as} where ${m.space} = ${s.id}) roles
    where ${s.removedAt} is null and strpos(${s.id}, ${id}) > 0
      and strpos(lower(${s.name}), lower(${name}::text)) > 0 and ${s.id} > ${cursor}
    order by ${orderOf(sql, sort)} ${s.id} limit ${limit}`
  return rows.map(
    ({ createdAt, activeAt, ...rest }): FoundSpace => ({
      ...rest,
      ...{ createdAt: createdAt.getTime(), activeAt: activeAt.getTime() },
    }),
  )
}

function orderOf(sql: Sql, sort: OperatorFind['sort']) {
  switch (sort) {
    case 'id':
      return sql``
    case 'activity':
      return sql`"activeAt" desc,`
    case 'bytes':
      return sql`held.bytes desc,`
    default:
      return sort satisfies never
  }
}

/** Where an intention is; undefined if there is none. */
export async function placeOfIntention(sql: Sql, id: string): Promise<SpaceId | undefined> {
  const [row] = await sql<{ location: SpaceId }[]>`select ${i.location} from ${i.as} where ${i.id} = ${id}`
  return row?.location
}

/** Where a being is, and whether it was removed; undefined if there never was one. */
export async function placeOfBeing(
  sql: Sql,
  id: BeingId,
): Promise<{ location: SpaceId | null; isRemoved: boolean } | undefined> {
  const [row] = await sql<{ location: SpaceId | null; isRemoved: boolean }[]>`
    select ${b.location}, ${b.removedAt} is not null as "isRemoved" from ${b.as}
    where ${b.id} = ${id} and ${b.type} <> 'space'`
  return row
}

const AUDIT = ['id', 'at', 'operator', 'action', 'target', 'reason', 'outcome'] as const
const auditColumns = selectedFrom(operatorActions, 'a', AUDIT)

/** The latest first, before a place. Stands on operator_actions_at. */
export async function readAudit(
  sql: Sql,
  before: { at: number; id: string } | undefined,
  limit: number,
): Promise<AuditRow[]> {
  const isBefore =
    before === undefined
      ? sql``
      : sql`where (${a.at}, ${a.id}) < (${new Date(before.at).toISOString()}::timestamptz, ${before.id}::uuid)`
  const rows = await sql<RowOf<typeof operatorActions, typeof AUDIT>[]>`
    select ${auditColumns} from ${a.as} ${isBefore} order by ${a.at} desc, ${a.id} desc limit ${limit}`
  return rows.map(({ at, ...row }) => ({ ...row, at: at.getTime() }))
}
