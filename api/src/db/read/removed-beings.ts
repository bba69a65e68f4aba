/**
 * Beings that were removed: whose tokens are no longer good. Both queries stand on beings_removed, which is in the
 * order they read in.
 */
import type { BeingId, RevokedCursor } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
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
    sql<RemovedRow[]>`
      select b.id, b.removed_at as at from beings b
      where b.removed_at > now() - ${`${forMs} milliseconds`}::interval
        and (b.removed_at, b.id) > (${since}::timestamptz, ${cursor.after ?? ''})
      order by b.removed_at, b.id limit ${limit + 1}`,
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
  const milliseconds = sql.unsafe(`${Math.ceil(windowMs)}`)
  const most = sql.unsafe(`${limit}`)
  const rows = await sql<RemovedRow[]>`
    select b.id, b.removed_at as at from beings b
    where b.removed_at > now() - ${milliseconds} * interval '1 millisecond'
    order by b.removed_at desc limit ${most}`
  return rows.map(removedOf)
}

interface RemovedRow {
  id: BeingId
  at: Date
}

const removedOf = ({ id, at }: RemovedRow): RemovedBeing => ({ id, at: at.getTime() })
