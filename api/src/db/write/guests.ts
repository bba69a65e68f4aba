/** The one write that no mutation makes: a being to sign in with. */
import type { Being, BeingId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { beingColumns, beingOf, type BeingRow } from '../rows.ts'

/** Creates a guest located nowhere; undefined if the id is taken. Locks nothing but its own row. */
export async function createGuest(sql: Sql, id: BeingId, name: string): Promise<Being | undefined> {
  const [row] = await sql<BeingRow[]>`
    insert into beings as b (id, type, name, metadata, properties, content, rev, created_at, modified_at)
    values (${id}, 'guest', ${name}, '{}', '{}', '[]', 0, clock_timestamp(), clock_timestamp())
    on conflict (id) do nothing returning ${beingColumns(sql)}`
  return row === undefined ? undefined : beingOf(row)
}
