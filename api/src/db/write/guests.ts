/** The one write that no mutation makes: a being to sign in with. */
import { OPERATOR } from '@rhizom/domain'
import type { Being, BeingId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beingColumns, beingOf, type BeingRow } from '../rows.ts'
import { beings } from '../schema.ts'

const b = namesOf(beings)

/** Creates a guest located nowhere; undefined if the id is taken, as that of operators is. Locks but its own row. */
export async function createGuest(sql: Sql, id: BeingId, name: string): Promise<Being | undefined> {
  if (id === OPERATOR) return undefined
  const [row] = await sql<BeingRow[]>`
    insert into ${b.as} as b
      (${b.id}, ${b.type}, ${b.name}, ${b.metadata}, ${b.properties}, ${b.content}, ${b.rev}, ${b.createdAt}, ${b.modifiedAt})
    values (${id}, 'guest', ${name}, '{}', '{}', '[]', 0, clock_timestamp(), clock_timestamp())
    on conflict (${b.id}) do nothing returning ${beingColumns}`
  return row === undefined ? undefined : beingOf(row)
}
