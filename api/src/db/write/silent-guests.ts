/**
 * Guests that left no trace: never in a space, without words, roles, beings or an account elsewhere, and not signed in
 * for long. Their rows go, and their ids are free: there is nothing that whoever takes one could inherit.
 */
import type { BeingId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings, identities, intentions, members, reads, sessions } from '../schema.ts'

const b = namesOf(beings, 'b')
const o = namesOf(beings, 'o')
const i = namesOf(intentions, 'i')
const m = namesOf(members, 'm')
const n = namesOf(sessions, 'n')
const t = namesOf(identities, 't')
const r = namesOf(reads, 'r')

/**
 * Locks up to `most` of them, those silent longest first. Stands on beings_guests_silent; the questions about each are
 * asked one by one, each on an index, whatever there is of the rest.
 */
export function lockSilentGuests(sql: Sql, forSeconds: number, most: number) {
  const since = sql`now() - ${forSeconds}::float8 * interval '1 second'`
  return sql<{ id: BeingId }[]>`
    select ${b.id} as id from ${b.as}
    where ${b.type} = 'guest' and ${b.location} is null and ${b.rev} = 0 and ${b.removedAt} is null
      and greatest(${b.lastSeenAt}, ${b.modifiedAt}) < ${since}
      and (select true from ${n.as} where ${n.being} = ${b.id} and ${n.lastUsedAt} >= ${since} limit 1) is null
      and (select true from ${i.as} where ${i.owner} = ${b.id} limit 1) is null
      and (select true from ${m.as} where ${m.being} = ${b.id} limit 1) is null
      and (select true from ${o.as} where ${o.owner} = ${b.id} limit 1) is null
      and (select true from ${t.as} where ${t.being} = ${b.id} limit 1) is null
    order by greatest(${b.lastSeenAt}, ${b.modifiedAt}) limit ${most} for update of b skip locked`
}

/** Forgets up to `most`. Returns how many went. */
export async function forgetSilentGuests(sql: Sql, forSeconds: number, most: number): Promise<number> {
  await sql`begin`
  const silent = await lockSilentGuests(sql, forSeconds, most)
  const ids = silent.map(({ id }) => id)
  if (ids.length > 0) {
    await sql`delete from ${n.as} where ${n.being} = any(${ids}::text[])`
    await sql`delete from ${r.as} where ${r.being} = any(${ids}::text[])`
    await sql`delete from ${b.as} where ${b.id} = any(${ids}::text[])`
  }
  await sql`commit`
  return ids.length
}
