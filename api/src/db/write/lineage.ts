/**
 * Finds out that a database lives on in another run of Postgres, and begins a new history then.
 *
 * A database restored from a backup, or a replica promoted before it had everything, may lack changes that clients
 * hold, and will give their versions to other changes. Nobody could tell from the versions; so every space gets a new
 * epoch, and everybody a snapshot. Postgres names each run: the system identifier is made by initdb, and the timeline
 * changes with every promotion and every recovery to a point in time. A switch that lost nothing costs a snapshot each.
 *
 * What this cannot see: a dump restored into the same server. `node api/src/new-epochs.ts` is for that.
 */
import { ADVISORY_LOCKS } from '../advisory-locks.ts'
import type { Sql } from '../database.ts'
import { failureOf } from '../failure.ts'

export type LineageVerdict = 'first' | 'same' | 'new-history'

/** Gives every space a new epoch. Positions of before are answered with a snapshot from then on. */
export async function beginNewEpochs(sql: Sql): Promise<number> {
  // In the order in which every writer locks, so that nobody waits in a circle.
  const { count } = await sql`
    with locked as (select id from spaces order by id for no key update)
    update spaces s set epoch = gen_random_uuid(), changed_at = now() from locked where s.id = locked.id`
  return count
}

/** In a row of pg_control_system(). */
const RUN = `system_identifier::text, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)`

/**
 * Whether a connection may be used: not to a replica, which may lack what clients hold, nor to a run of Postgres whose
 * new history the leader has yet to begin. Where Postgres does not tell, or has no tables yet, it may.
 */
export async function isHistoryKnown(sql: Sql): Promise<boolean> {
  try {
    const [row] = await sql.unsafe<{ known: boolean }[]>(`
      select case when pg_is_in_recovery() then false
        else coalesce((select (l.system_id, l.timeline) = (${RUN}) from lineage l, pg_control_system() where l.id = 1), true)
      end as known`)
    return row?.known ?? true
  } catch (error) {
    if (failureOf(error) === 'away') throw error
    return true
  }
}

/**
 * Compares where the database lives with where it last lived, in one transaction with what follows from it.
 *
 * Its statements have no parameters on purpose: it is asked on the connection that holds the lock of the leader
 * (leader/leader.ts).
 */
export async function checkLineage(sql: Sql): Promise<LineageVerdict> {
  await sql`begin`
  try {
    await sql.unsafe(`select pg_advisory_xact_lock(${ADVISORY_LOCKS.lineage})`)
    const [now] = await sql.unsafe<{ systemId: string; timeline: string }[]>(
      `select "systemId", timeline from (select ${RUN} from pg_control_system()) as run ("systemId", timeline)`,
    )
    if (now === undefined) throw new Error('Postgres told no lineage')
    const [before] = await sql<{ systemId: string; timeline: string }[]>`
      select system_id as "systemId", timeline from lineage where id = 1`
    const isSame = before?.systemId === now.systemId && before.timeline === now.timeline
    const verdict = before === undefined ? 'first' : isSame ? 'same' : 'new-history'
    if (verdict === 'new-history') await beginNewEpochs(sql)
    if (verdict !== 'same')
      await sql.unsafe(`
        insert into lineage (id, system_id, timeline, since) select 1, ${RUN}, now() from pg_control_system()
        on conflict (id) do update set system_id = excluded.system_id, timeline = excluded.timeline, since = now()`)
    await sql`commit`
    return verdict
  } catch (error) {
    await sql`rollback`
    throw error
  }
}
