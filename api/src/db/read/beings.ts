/** Beings by their ids, as a reader may see them. */
import type { Being, BeingId, Intention, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { beingColumns, beingOf, type BeingRow } from '../rows.ts'

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

/** Whether a being exists. Stands on the primary key. */
export async function beingExists(sql: Sql, id: BeingId): Promise<boolean> {
  const rows = await sql`select from beings where id = ${id} and removed_at is null`
  return rows.length > 0
}

/**
 * The owners of `intentions` that are not among `known`, as any reader of `space` may see them: one that is inside
 * another, private space is shown by its name and as being nowhere, since its readers need not know of that space.
 */
export async function readAuthors(
  sql: Sql,
  space: SpaceId,
  intentions: readonly Intention[],
  known: ReadonlySet<BeingId>,
): Promise<Being[]> {
  const wanted = [...new Set(intentions.map(({ owner }) => owner))].filter((id) => !known.has(id)).sort()
  if (wanted.length === 0) return []
  const rows = await sql<(BeingRow & { hidden: boolean })[]>`
    select ${beingColumns(sql)}, b.location is not null and b.location <> ${space}
      and (select s.visibility from spaces s where s.id = b.location) = 'private' as hidden
    from beings b where b.id = any(${wanted}::text[]) and b.removed_at is null order by b.id`
  return rows.map(publicViewOf)
}

/** A being as those see it who may not see where it is. */
export function publicViewOf({ hidden, ...row }: BeingRow & { hidden: boolean }): Being {
  const being = beingOf(row)
  return hidden ? { ...being, location: null, metadata: {}, properties: {}, content: [] } : being
}
