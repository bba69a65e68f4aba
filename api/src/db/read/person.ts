/** What a person is and wrote, to be exported. Stands on primary keys, members_by_being and intentions_by_owner. */
import type { Being, BeingId, Intention, Role, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beingColumns, beingOf, type BeingRow, intentionColumns, intentionOf, type IntentionRow } from '../rows.ts'
import { beings, intentions, members } from '../schema.ts'

const b = namesOf(beings, 'b')
const i = namesOf(intentions, 'i')
const m = namesOf(members, 'm')

/** Itself, and what belongs to it. */
export async function beingsOf(sql: Sql, person: BeingId): Promise<Being[]> {
  const rows = await sql<BeingRow[]>`
    select ${beingColumns} from ${b.as}
    where (${b.id} = ${person} or ${b.owner} = ${person}) and ${b.removedAt} is null order by ${b.id} <> ${person}, ${b.id}`
  return rows.map(beingOf)
}

export const rolesOf = (sql: Sql, person: BeingId) =>
  sql<{ space: SpaceId; role: Role }[]>`
    select ${m.space}, ${m.role} from ${m.as} where ${m.being} = ${person} order by ${m.space}`

/** In the order of ids, which is nearly that of time. */
export async function intentionsOfPage(
  sql: Sql,
  person: BeingId,
  after: string | undefined,
  limit: number,
): Promise<Intention[]> {
  const rows = await sql<IntentionRow[]>`
    select ${intentionColumns} from ${i.as} where ${i.owner} = ${person}
      and (${after ?? null}::uuid is null or ${i.id} > ${after ?? null}::uuid)
    order by ${i.id} limit ${limit}`
  return rows.map(intentionOf)
}
