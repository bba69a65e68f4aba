/** The lock of the one api node that leads. It is held for as long as the session that took it lives. */
import { ADVISORY_LOCKS } from './advisory-locks.ts'
import type { Sql } from './database.ts'

/**
 * Whether this session has the lock now. A replica that may yet be promoted would grant it too, but its lineage is that
 * of before the promotion. Without parameters, as all that is asked on this connection (leader/leader.ts).
 */
export async function takeLeaderLock(sql: Sql): Promise<boolean> {
  const lock = sql.unsafe(`${ADVISORY_LOCKS.leader}`)
  const [row] = await sql<{ had: boolean }[]>`
    select case when pg_is_in_recovery() then false else pg_try_advisory_lock(${lock}) end as had`
  return row?.had === true
}
