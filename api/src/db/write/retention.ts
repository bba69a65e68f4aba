/**
 * Takes what is old from the log and the ledger, a bounded number of rows a statement. Writers are not in the way:
 * nobody locks or alters a row of the log once it is written.
 *
 * Of each history a prefix goes and never something in between, also where the clock was once set back: so whoever
 * finds the change after its position finds all the later ones too. Stands on changes_at, mutations_at and the primary
 * key of changes.
 */
import type { SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'

export interface Retention {
  /** How long changes stay. */
  logSeconds: number
  /** How many changes of one history stay. */
  logChanges: number
  ledgerSeconds: number
}

const secondsAgo = (sql: Sql, seconds: number) => sql`now() - ${seconds}::float8 * interval '1 second'`

/** Removes up to `most` changes that are too old. Returns how many went. */
export async function pruneChangesByAge(sql: Sql, retention: Retention, most: number): Promise<number> {
  const { count } = await sql`
    with bounds as (
      select space, epoch, max(version) as version from changes where at < ${secondsAgo(sql, retention.logSeconds)}
      group by space, epoch
    ), doomed as (
      select c.space, c.epoch, c.version from bounds b
      join changes c on c.space = b.space and c.epoch = b.epoch and c.version <= b.version
      order by c.space, c.epoch, c.version limit ${most}
    )
    delete from changes c using doomed d where c.space = d.space and c.epoch = d.epoch and c.version = d.version`
  return count
}

/**
 * Spaces that changed since, removed ones included, where there may be too many changes. Stands on spaces_changed_at.
 */
export async function spacesChangedSince(sql: Sql, since: Date | undefined): Promise<SpaceId[]> {
  const rows =
    since === undefined
      ? await sql<{ id: SpaceId }[]>`select id from spaces`
      : await sql<{ id: SpaceId }[]>`select id from spaces where changed_at >= ${since.toISOString()}`
  return rows.map(({ id }) => id)
}

/**
 * Removes up to `most` changes of `spaces` that are more than each may keep. Those of former histories all are: whoever
 * asks for one of another epoch gets a snapshot, whatever the log still holds. Returns how many went.
 */
export async function pruneChangesByCount(
  sql: Sql,
  spaces: readonly SpaceId[],
  retention: Retention,
  most: number,
): Promise<number> {
  const { count } = await sql`
    with doomed as (
      select c.space, c.epoch, c.version from spaces s
      join changes c on c.space = s.id and c.epoch = s.epoch and c.version <= s.version - ${retention.logChanges}
      where s.id = any(${[...spaces]}::text[])
      union all
      select c.space, c.epoch, c.version from spaces s join changes c on c.space = s.id and c.epoch < s.epoch
      where s.id = any(${[...spaces]}::text[])
      union all
      select c.space, c.epoch, c.version from spaces s join changes c on c.space = s.id and c.epoch > s.epoch
      where s.id = any(${[...spaces]}::text[])
      order by space, epoch, version limit ${most}
    )
    delete from changes c using doomed d where c.space = d.space and c.epoch = d.epoch and c.version = d.version`
  return count
}

/** Removes up to `most` outcomes that nobody asks for any more. Returns how many went. */
export async function pruneLedger(sql: Sql, retention: Retention, most: number): Promise<number> {
  const { count } = await sql`
    delete from mutations where ctid = any(array(
      select ctid from mutations where at < ${secondsAgo(sql, retention.ledgerSeconds)} limit ${most}))`
  return count
}
