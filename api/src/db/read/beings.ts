/**
 * Beings by their ids, as a reader may see them. What is given ends by bytes, as a page does (pages.ts): whoever asks
 * again for those that were missing gets the rest.
 */
import type { Being, BeingId, Intention, SpaceId } from '@rhizom/protocol'
import { and, eq, isNull } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { askBuilt, fieldsOf, query } from '../query.ts'
import { beingColumns, beingFields, beingOf, type BeingRow } from '../rows.ts'
import { beings, members, spaces } from '../schema.ts'
import { beingBytes, isWithin, pageColumns, rowsBefore } from './pages.ts'

const b = namesOf(beings, 'b')
const p = namesOf(spaces, 'p')
const m = namesOf(members, 'm')

/** A row as `publicViewOf` takes it. */
type SeenRow = BeingRow & { hidden: boolean }

/**
 * Beings by id, as `reader` may see them: a guest or bot inside a private space of others shows its name only; a
 * document there, or that space itself, does not exist. Stands on primary keys.
 */
export async function findBeings(sql: Sql, reader: BeingId, ids: readonly BeingId[], bytes: number): Promise<Being[]> {
  const rows = await sql<SeenRow[]>`
    select ${beingColumns}, b.hidden from (
      select b.*, ${p.id} is not null and ${b.id} <> ${reader} as hidden, ${pageColumns(sql, beingBytes(sql))}
      from ${b.as} left join ${p.as} on ${p.id} = case when ${b.type} = 'space' then ${b.id} else ${b.location} end
        and ${p.visibility} = 'private'
        and not exists (select from ${m.as} where ${m.space} = ${p.id} and ${m.being} = ${reader})
      where ${b.id} = any(${[...ids]}::text[]) and ${b.removedAt} is null
        and (${p.id} is null or ${b.type} in ('guest', 'bot'))
      window page as (order by ${b.id} ${rowsBefore(sql)})) b
    where ${isWithin(sql, { bytes })} order by ${b.id}`
  return rows.map(publicViewOf)
}

/** A being in full, for itself. */
export async function findBeing(sql: Sql, id: BeingId): Promise<Being | undefined> {
  const [row] = await askBuilt(sql, query.select(beingFields).from(beings).where(isThere(id)))
  return row === undefined ? undefined : beingOf(row)
}

/** Whether a being exists. Stands on the primary key. */
export async function beingExists(sql: Sql, id: BeingId): Promise<boolean> {
  const rows = await askBuilt(sql, query.select(idOnly).from(beings).where(isThere(id)))
  return rows.length > 0
}

const idOnly = fieldsOf(beings, ['id'])
const isThere = (id: BeingId) => and(eq(beings.id, id), isNull(beings.removedAt))

/**
 * The owners of `intentions`, which are in the order of time, that are not among `known`: those of the newest first, as
 * any reader of `space` may see them. One that is inside another, private space is shown by its name and as being
 * nowhere, since its readers need not know of that space.
 */
export async function readAuthors(
  sql: Sql,
  space: SpaceId,
  intentions: readonly Intention[],
  known: ReadonlySet<BeingId>,
  bytes: number,
): Promise<Being[]> {
  const newestFirst = new Set(intentions.toReversed().map(({ owner }) => owner))
  const wanted = [...newestFirst].filter((id) => !known.has(id))
  if (wanted.length === 0) return []
  const rows = await sql<SeenRow[]>`
    select ${beingColumns}, ${b.location} is not null and ${b.location} <> ${space}
      and (select ${p.visibility} from ${p.as} where ${p.id} = ${b.location}) = 'private' as hidden
    from (
      select b.*, array_position(${wanted}::text[], ${b.id}) as nth, ${pageColumns(sql, beingBytes(sql))}
      from ${b.as} where ${b.id} = any(${wanted}::text[]) and ${b.removedAt} is null
      window page as (order by array_position(${wanted}::text[], ${b.id}) ${rowsBefore(sql)})) b
    where ${isWithin(sql, { bytes })} order by b.nth`
  return rows.map(publicViewOf)
}

/** A being as those see it who may not see where it is. */
export function publicViewOf({ hidden, ...row }: SeenRow): Being {
  const being = beingOf(row)
  return hidden ? { ...being, location: null, metadata: {}, properties: {}, content: [] } : being
}
