/** Guests that are located somewhere and were neither seen nor changed for long. Stands on beings_guests_located. */
import type { BeingId, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings } from '../schema.ts'

const b = namesOf(beings, 'b')

export interface LocatedGuest {
  id: BeingId
  space: SpaceId
}

/** Up to `most`, those gone longest first. Whether one is here all the same, connected all the while, presence says. */
export async function readLongGone(sql: Sql, forSeconds: number, most: number): Promise<LocatedGuest[]> {
  return sql<LocatedGuest[]>`
    select ${b.id} as id, ${b.location} as space from ${b.as}
    where ${b.type} = 'guest' and ${b.location} is not null
      and greatest(${b.lastSeenAt}, ${b.modifiedAt}) < now() - ${forSeconds}::float8 * interval '1 second'
    order by greatest(${b.lastSeenAt}, ${b.modifiedAt}) limit ${most}`
}
