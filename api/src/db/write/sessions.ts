/**
 * Sessions: begun, used, ended. Each statement is whole by itself and locks one row, so that of two who use the same
 * renewal at once, on any nodes, one comes after the other. Stands on the primary key and on sessions_by_being.
 */
import type { BeingId, SessionId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings, sessions } from '../schema.ts'

const s = namesOf(sessions, 's')
const set = namesOf(sessions)
const b = namesOf(beings, 'b')

export interface RevokedSession {
  id: SessionId
  at: number
}

/** Digests of what the holder is given. */
export interface NewSession {
  session: SessionId
  family: string
  secret: string
}

/** Gives those that are more than a being may have: they end, the ones that were not used for longest. */
export async function beginSession(
  sql: Sql,
  being: BeingId,
  begun: NewSession,
  most: number,
): Promise<RevokedSession[]> {
  await sql`
    insert into ${set.as} (${set.id}, ${set.being}, ${set.family}, ${set.secret}, ${set.createdAt}, ${set.lastUsedAt})
    values (${begun.session}, ${being}, ${begun.family}, ${begun.secret}, clock_timestamp(), clock_timestamp())`
  const rows = await sql<EndedRow[]>`
    update ${set.as} set ${set.endedAt} = clock_timestamp() where ${set.endedAt} is null and ${set.id} in (
      select ${s.id} from ${s.as} where ${s.being} = ${being} and ${s.endedAt} is null
      order by ${s.lastUsedAt} desc, ${s.id} offset ${most})
    returning ${set.id} as id, ${set.endedAt} as at`
  return rows.map(endedOf)
}

/** `reused`: it was used before and not just now, so somebody else holds it as well: the session is ended by it. */
export type Use =
  | { status: 'used'; being: BeingId; next: string }
  | { status: 'reused'; ended: RevokedSession }
  | { status: 'unknown' }

/**
 * Puts the first of `nexts` in the place of what is used; what was used within `graceMs` may be used again, for the
 * same next. That may be any of them, where another node put it there.
 */
export async function useRenewal(
  sql: Sql,
  used: NewSession,
  nexts: readonly [string, ...string[]],
  graceMs: number,
): Promise<Use> {
  const [next] = nexts
  const ofFamily = sql`${set.id} = ${used.session} and ${set.family} = ${used.family} and ${set.endedAt} is null
    and exists (select from ${b.as} where ${b.id} = ${set.being} and ${b.removedAt} is null)`
  const [first] = await sql<{ being: BeingId }[]>`
    update ${set.as} set ${set.former} = ${set.secret}, ${set.secret} = ${next},
      ${set.rotatedAt} = clock_timestamp(), ${set.lastUsedAt} = clock_timestamp()
    where ${ofFamily} and ${set.secret} = ${used.secret} returning ${set.being} as being`
  if (first !== undefined) return { status: 'used', being: first.being, next }
  const [again] = await sql<{ being: BeingId; next: string }[]>`
    update ${set.as} set ${set.lastUsedAt} = clock_timestamp()
    where ${ofFamily} and ${set.former} = ${used.secret} and ${set.secret} = any(${[...nexts]}::text[])
      and ${set.rotatedAt} > clock_timestamp() - ${graceMs}::float8 * interval '1 millisecond'
    returning ${set.being} as being, ${set.secret} as next`
  if (again !== undefined) return { status: 'used', ...again }
  const [ended] = await sql<EndedRow[]>`
    update ${set.as} set ${set.endedAt} = clock_timestamp() where ${ofFamily}
    returning ${set.id} as id, ${set.endedAt} as at`
  return ended === undefined ? { status: 'unknown' } : { status: 'reused', ended: endedOf(ended) }
}

/** A fresh token was given for a token of it. */
export async function touchSession(sql: Sql, id: SessionId): Promise<void> {
  await sql`update ${set.as} set ${set.lastUsedAt} = clock_timestamp() where ${set.id} = ${id}`
}

/** Ends a session of a being; undefined if it has no such one that is not ended. */
export async function endSession(sql: Sql, being: BeingId, id: SessionId): Promise<RevokedSession | undefined> {
  const [row] = await sql<EndedRow[]>`
    update ${set.as} set ${set.endedAt} = clock_timestamp()
    where ${set.id} = ${id} and ${set.being} = ${being} and ${set.endedAt} is null
    returning ${set.id} as id, ${set.endedAt} as at`
  return row === undefined ? undefined : endedOf(row)
}

/**
 * Removes up to `most` sessions that nobody asks for any more: those that ended so long ago that their tokens have run
 * out, and those of beings that were removed since. Returns how many went.
 */
export async function pruneSessions(sql: Sql, forMs: number, most: number): Promise<number> {
  const longAgo = sql`now() - ${forMs}::float8 * interval '1 millisecond'`
  const { count } = await sql`
    delete from ${set.as} where ${set.id} = any(array(
      select ${s.id} from ${s.as} where ${s.endedAt} < ${longAgo}
      union all
      select ${s.id} from ${b.as} join ${s.as} on ${s.being} = ${b.id}
      where ${b.removedAt} between ${longAgo} - interval '1 day' and ${longAgo}
      limit ${most}))`
  return count
}

interface EndedRow {
  id: SessionId
  at: Date
}

const endedOf = ({ id, at }: EndedRow): RevokedSession => ({ id, at: at.getTime() })
