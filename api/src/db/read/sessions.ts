/**
 * Sessions as their being sees them, and those that were ended: whose tokens are no longer good. Stands on the primary
 * key, on sessions_by_being, and on sessions_ended, which is in the order that pages are read in.
 */
import type { BeingId, ListSessionsAnswer, RevokedCursor, SessionId } from '@rhizom/protocol'
import { and, asc, desc, eq, gt, isNull, sql as written } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { askBuilt, fieldsOf, query } from '../query.ts'
import { beings, sessions } from '../schema.ts'
import { timestampOf } from '../timestamp.ts'
import type { RevokedSession } from '../write/sessions.ts'

const s = namesOf(sessions, 's')
const b = namesOf(beings, 'b')
const listed = fieldsOf(sessions, ['id', 'createdAt', 'lastUsedAt'])
const ended = fieldsOf(sessions, ['id', 'endedAt'])

/** Whether a being exists and its session, if it is known by one, is not ended. */
export async function isThere(sql: Sql, being: BeingId, session: SessionId | undefined): Promise<boolean> {
  const rows = await sql`
    select from ${b.as} where ${b.id} = ${being} and ${b.removedAt} is null
      and (${session ?? null}::text is null or exists (
        select from ${s.as} where ${s.id} = ${session ?? null} and ${s.being} = ${b.id} and ${s.endedAt} is null))`
  return rows.length > 0
}

/** Those of a being that are not ended, the one that was used last first. */
export async function listSessions(
  sql: Sql,
  being: BeingId,
  current: SessionId | undefined,
): Promise<ListSessionsAnswer['sessions']> {
  const own = and(eq(sessions.being, being), isNull(sessions.endedAt))
  const rows = await askBuilt(
    sql,
    query.select(listed).from(sessions).where(own).orderBy(desc(sessions.lastUsedAt), asc(sessions.id)),
  )
  return rows.map(({ id, createdAt, lastUsedAt }) => ({
    ...{ id, createdAt: createdAt.getTime(), lastUsedAt: lastUsedAt.getTime() },
    current: id === current,
  }))
}

/** Up to `limit` of those that were ended within the last `forMs`, after a cursor, in the order of time and ids. */
export async function readEnded(
  sql: Sql,
  cursor: RevokedCursor,
  forMs: number,
  limit: number,
): Promise<RevokedSession[]> {
  const since = timestampOf(cursor.since)
  const rows = await askBuilt(
    sql,
    query
      .select(ended)
      .from(sessions)
      .where(
        and(
          gt(sessions.endedAt, written`now() - ${`${forMs} milliseconds`}::interval`),
          written`(${sessions.endedAt}, ${sessions.id}) > (${since}::timestamptz, ${cursor.after ?? ''})`,
        ),
      )
      .orderBy(asc(sessions.endedAt), asc(sessions.id))
      .limit(limit),
  )
  return rows.map(endedOf)
}

/**
 * Those ended within the last `windowMs`, the latest first.
 *
 * Without parameters on purpose: it is asked on the connection that holds the lock of the leader (leader/leader.ts).
 */
export async function readLatelyEnded(sql: Sql, windowMs: number, limit: number): Promise<RevokedSession[]> {
  const since = written`now() - ${written.raw(`${Math.ceil(windowMs)}`)} * interval '1 millisecond'`
  const lately = query.select(ended).from(sessions).where(gt(sessions.endedAt, since))
  const rows = await askBuilt(sql, lately.orderBy(written`${desc(sessions.endedAt)} limit ${written.raw(`${limit}`)}`))
  return rows.map(endedOf)
}

function endedOf({ id, endedAt }: { id: SessionId; endedAt: Date | null }): RevokedSession {
  if (endedAt === null) throw new Error(`${id} is not ended`)
  return { id, at: endedAt.getTime() }
}
