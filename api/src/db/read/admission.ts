/**
 * Whether there is a space for whoever asks to write in it: asked before a write waits for its turn, without a lock, so
 * that strangers neither queue in a space nor slow it. The decision proper is made under the lock (@rhizom/domain).
 */
import type { BeingId, SessionId, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings, members, sessions, spaces } from '../schema.ts'

const s = namesOf(spaces, 's')
const m = namesOf(members, 'm')
const b = namesOf(beings, 'b')
const n = namesOf(sessions, 'n')

export interface Asking {
  actor: BeingId
  /** Undefined if it is known by a token that is of none. */
  session: SessionId | undefined
  space: SpaceId
}

/** `hidden`: it is there, and the actor may not read it. `gone`: the actor is not there, or its session has ended. */
export type Readability = 'readable' | 'hidden' | 'absent' | 'gone'

/** One for each that asks, in order. Stands on primary keys. */
export async function readAdmissions(sql: Sql, asking: readonly Asking[]): Promise<Readability[]> {
  const actors = asking.map(({ actor }) => actor)
  const known = asking.map(({ session }) => session ?? '')
  const asked = asking.map(({ space }) => space)
  const rows = await sql<{ admission: Readability }[]>`
    select case when ${b.id} is null or (a.session <> '' and ${n.id} is null) then 'gone'
      when ${s.id} is null then 'absent'
      when case when ${m.role} is null then ${s.visibility} = 'public' else ${m.role} <> 'banned' end then 'readable'
      else 'hidden' end as admission
    from unnest(${actors}::text[], ${known}::text[], ${asked}::text[]) with ordinality as a(actor, session, space, nth)
    left join ${b.as} on ${b.id} = a.actor and ${b.removedAt} is null
    left join ${n.as} on ${n.id} = a.session and ${n.being} = a.actor and ${n.endedAt} is null
    left join ${s.as} on ${s.id} = a.space and ${s.removedAt} is null
    left join ${m.as} on ${m.space} = a.space and ${m.being} = a.actor
    order by a.nth`
  return rows.map(({ admission }) => admission)
}
