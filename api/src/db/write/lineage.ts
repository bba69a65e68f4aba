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
import { eq, sql as written } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { failureOf } from '../failure.ts'
import { namesOf } from '../names.ts'
import { askBuilt, fieldsOf, query } from '../query.ts'
import { lineage, spaces } from '../schema.ts'

const s = namesOf(spaces, 's')
const set = namesOf(spaces)
const l = namesOf(lineage)
const runFields = fieldsOf(lineage, ['systemId', 'timeline'])

export type LineageVerdict = 'first' | 'same' | 'new-history'

/** Gives every space a new epoch. Positions of before are answered with a snapshot from then on. */
export async function beginNewEpochs(sql: Sql): Promise<number> {
  // In the order in which every writer locks, so that nobody waits in a circle.
  const { count } = await sql`
    with locked as (select ${s.id} as id from ${s.as} order by ${s.id} for no key update)
    update ${s.as} set ${set.epoch} = gen_random_uuid(), ${set.changedAt} = now()
    from locked where ${s.id} = locked.id`
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
    const [row] = await sql<{ known: boolean }[]>`
      select case when pg_is_in_recovery() then false else coalesce((
        select (${l.systemId}, ${l.timeline}) = (${sql.unsafe(RUN)}) from ${l.as}, pg_control_system()
        where ${l.id} = 1), true)
      end as known`
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
    const isTheOne = eq(lineage.id, written.raw('1'))
    const [before] = await askBuilt(sql, query.select(runFields).from(lineage).where(isTheOne))
    const isSame = before?.systemId === now.systemId && before.timeline === now.timeline
    const verdict = before === undefined ? 'first' : isSame ? 'same' : 'new-history'
    if (verdict === 'new-history') await beginNewEpochs(sql)
    if (verdict !== 'same')
      await sql`
        insert into ${l.as} (${l.id}, ${l.systemId}, ${l.timeline}, ${l.since})
        select 1, ${sql.unsafe(RUN)}, now() from pg_control_system()
        on conflict (${l.id}) do update set ${l.systemId} = excluded.${l.systemId},
          ${l.timeline} = excluded.${l.timeline}, ${l.since} = now()`
    await sql`commit`
    return verdict
  } catch (error) {
    await sql`rollback`
    throw error
  }
}
