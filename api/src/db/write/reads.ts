/**
 * Marks how far a being has read a space: ever further, whatever the order in which that is said. What is repeated, or
 * less than is known, is answered without touching a row. Stands on the keys of spaces, members and reads.
 */
import type { BeingId, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { isOwnReadable, joinReader } from '../read/news.ts'
import { reads, spaces } from '../schema.ts'

const s = namesOf(spaces, 's')
const r = namesOf(reads, 'r')
const set = namesOf(reads)

export interface MarkedRead {
  /** Up to which the space is read. */
  version: number
  /** Whether that is further than before. */
  isFurther: boolean
}

/** Undefined if the space may not be read. What is beyond its version counts as that version. */
export async function markRead(
  sql: Sql,
  being: BeingId,
  id: SpaceId,
  version: number,
): Promise<MarkedRead | undefined> {
  const [known] = await sql<{ head: number; read: number | null }[]>`
    select ${s.version} as head, ${r.version} as read from (select ${being}::text as being) asked
    join ${s.as} on ${s.id} = ${id} ${joinReader(sql)} where ${isOwnReadable(sql)}`
  if (known === undefined) return undefined
  const upTo = Math.min(version, known.head)
  if (known.read !== null && known.read >= upTo) return { version: known.read, isFurther: false }
  const [stored] = await sql<{ version: number }[]>`
    insert into ${set.as} as r (${set.being}, ${set.space}, ${set.version}, ${set.at})
    select ${being}, ${s.id}, ${upTo}, greatest(now(), ${s.createdAt}) from ${s.as} where ${s.id} = ${id}
    on conflict (${set.being}, ${set.space}) do update set ${set.version} = excluded.version, ${set.at} = excluded.at
    where ${r.version} < excluded.version
      or ${r.at} < (select ${s.createdAt} from ${s.as} where ${s.id} = excluded.space)
    returning ${r.version} as version`
  // Otherwise it was read further meanwhile, by another device.
  return stored === undefined ? markRead(sql, being, id, version) : { version: stored.version, isFurther: true }
}
