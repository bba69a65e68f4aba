/**
 * Beings by their ids, as a reader may see them. What is given ends by bytes, as a page does (pages.ts): whoever asks
 * again for those that were missing gets the rest.
 */
import type { Being, BeingId, Intention, SpaceId } from '@rhizom/protocol'
import { and, eq, isNull } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { askBuilt, query } from '../query.ts'
import { beingColumns, beingFields, beingOf, type BeingRow } from '../rows.ts'
import { beings, members, spaces } from '../schema.ts'
import { isWithin, pageColumns, rowsBefore } from './pages.ts'

const b = namesOf(beings, 'b')
const p = namesOf(spaces, 'p')
const m = namesOf(members, 'm')

/** A row as `seenOf` takes it. */
type SeenRow = BeingRow & { isFace: boolean }

/**
 * Beings by id, as `reader` may see them: in full its own and those in a space that it may read; of other guests and
 * bots a face, wherever they are; no document and no space that it may not read. Stands on primary keys.
 */
export async function findBeings(sql: Sql, reader: BeingId, ids: readonly BeingId[], bytes: number): Promise<Being[]> {
  const rows = await sql<SeenRow[]>`
    select ${beingColumns}, b.is_face as "isFace" from (
      select b.*, not (b.is_own or b.is_in_sight) as is_face, ${pageColumns(sql, b.bytes)} from (
        select b.*, ${b.id} = ${reader} or coalesce(${b.owner} = ${reader} and ${b.type} <> 'space', false) as is_own,
          ${p.id} is not null and case when ${m.role} is null then ${p.visibility} = 'public'
            else ${m.role} <> 'banned' end as is_in_sight,
          case when ${b.type} = 'space' then ${b.id} else ${b.location} end is null as is_nowhere
        from ${b.as} left join ${p.as} on ${p.id} = case when ${b.type} = 'space' then ${b.id} else ${b.location} end
          left join ${m.as} on ${m.space} = ${p.id} and ${m.being} = ${reader}
        where ${b.id} = any(${[...ids]}::text[]) and ${b.removedAt} is null) b
      where b.is_own or b.is_in_sight or b.is_nowhere or ${b.type} in ('guest', 'bot')
      window page as (order by ${b.id} ${rowsBefore(sql)})) b
    where ${isWithin(sql, { bytes })} order by ${b.id}`
  return rows.map(seenOf)
}

/** A being in full, for itself. */
export async function findBeing(sql: Sql, id: BeingId): Promise<Being | undefined> {
  const [row] = await askBuilt(sql, query.select(beingFields).from(beings).where(isThere(id)))
  return row === undefined ? undefined : beingOf(row)
}

const isThere = (id: BeingId) => and(eq(beings.id, id), isNull(beings.removedAt))

/**
 * The owners of `intentions`, which are in the order of time, that are not among `known`: those of the newest first, as
 * any reader of `space` may see them. One that is not in the space is shown by its face, whether it is nowhere or in a
 * space of which its readers need not know.
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
    select ${beingColumns}, ${b.location} is distinct from ${space} as "isFace"
    from (
      select b.*, array_position(${wanted}::text[], ${b.id}) as nth, ${pageColumns(sql, b.bytes)}
      from ${b.as} where ${b.id} = any(${wanted}::text[]) and ${b.removedAt} is null
      window page as (order by array_position(${wanted}::text[], ${b.id}) ${rowsBefore(sql)})) b
    where ${isWithin(sql, { bytes })} order by b.nth`
  return rows.map(seenOf)
}

function seenOf({ isFace, ...row }: SeenRow): Being {
  const being = beingOf(row)
  return isFace ? faceOf(being) : being
}

/** What everybody may know of a being: no place, no version and no time, which would tell of places. */
export const faceOf = ({ id, type, name }: Pick<Being, 'id' | 'type' | 'name'>): Being => ({
  ...{ id, type, name, owner: null, location: null, metadata: {}, properties: {}, content: [] },
  ...{ rev: 0, createdAt: 0, modifiedAt: 0, lastSeenAt: null },
})
