/**
 * Beings that were removed: whose tokens are no longer good. Both queries stand on beings_removed, which is in the
 * order they read in.
 */
import type { BeingId, RevokedCursor } from '@rhizom/protocol'
import { and, asc, desc, gt, sql as written } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import type { RowOf } from '../names.ts'
import { askBuilt, fieldsOf, query } from '../query.ts'
import { beings } from '../schema.ts'
import { timestampOf } from '../timestamp.ts'

export interface RemovedBeing {
  id: BeingId
  at: number
}

/** What happens in a minute is read again: a transaction may have taken its time before and be committed after. */
const OVERLAP_MS = 60_000

export interface RemovedPage {
  removed: RemovedBeing[]
  next: RevokedCursor
  isWhole: boolean
}

/** A page of those removed within the last `forMs`, after a cursor. */
export async function readRemoved(sql: Sql, cursor: RevokedCursor, forMs: number, limit: number): Promise<RemovedPage> {
  const since = timestampOf(cursor.since)
  const [[clock], rows] = await Promise.all([
    sql<{ now: Date }[]>`select now() as now`.execute(),
    askBuilt(
      sql,
      query
        .select(removedFields)
        .from(beings)
        .where(
          and(
            gt(beings.removedAt, written`now() - ${`${forMs} milliseconds`}::interval`),
            written`(${beings.removedAt}, ${beings.id}) > (${since}::timestamptz, ${cursor.after ?? ''})`,
          ),
        )
        .orderBy(asc(beings.removedAt), asc(beings.id))
        .limit(limit + 1),
    ).execute(),
  ])
  if (clock === undefined) throw new Error('the database told no time')
  const removed = rows.slice(0, limit).map(removedOf)
  const last = removed.at(-1)
  return rows.length > limit && last !== undefined
    ? { removed, next: { since: last.at, after: last.id }, isWhole: false }
    : { removed, next: { since: Math.max(0, clock.now.getTime() - OVERLAP_MS) }, isWhole: true }
}

/**
 * Those removed within the last `windowMs`, the latest first.
 *
 * Without parameters on purpose: it is asked on the connection that holds the lock of the leader (leader/leader.ts).
 */
export async function readLatelyRemoved(sql: Sql, windowMs: number, limit: number): Promise<RemovedBeing[]> {
  const since = written`now() - ${written.raw(`${Math.ceil(windowMs)}`)} * interval '1 millisecond'`
  const lately = query.select(removedFields).from(beings).where(gt(beings.removedAt, since))
  const rows = await askBuilt(sql, lately.orderBy(written`${desc(beings.removedAt)} limit ${written.raw(`${limit}`)}`))
  return rows.map(removedOf)
}

const REMOVED = ['id', 'removedAt'] as const
const removedFields = fieldsOf(beings, REMOVED)

function removedOf({ id, removedAt }: RowOf<typeof beings, typeof REMOVED>): RemovedBeing {
  if (removedAt === null) throw new Error(`${id} is not removed`)
  return { id, at: removedAt.getTime() }
}
