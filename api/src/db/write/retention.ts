/**
 * Takes what is old from the log and the ledger, a bounded number of rows a statement. Writers are not in the way:
 * nobody locks or alters a row of the log once it is written.
 *
 * Of each history a prefix goes and never something in between, also where the clock was once set back: so whoever
 * finds the change after its position finds all the later ones too. Stands on changes_at, mutations_at and the primary
 * key of changes.
 */
import type { SpaceId } from '@rhizom/protocol'
import { gte } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { namesOf, selectedFrom } from '../names.ts'
import { askBuilt, fieldsOf, query } from '../query.ts'
import { changes, mutations, spaces } from '../schema.ts'

const c = namesOf(changes, 'c')
const s = namesOf(spaces, 's')
const o = namesOf(mutations, 'o')
const idOnly = fieldsOf(spaces, ['id'])

export interface Retention {
  /** How long changes stay. */
  logSeconds: number
  /** How many changes of one history stay. */
  logChanges: number
  ledgerSeconds: number
}

/** What names a change. */
const key = selectedFrom(changes, 'c', ['space', 'epoch', 'version'])
const isDoomed = (sql: Sql) => sql`${c.space} = d.space and ${c.epoch} = d.epoch and ${c.version} = d.version`

const secondsAgo = (sql: Sql, seconds: number) => sql`now() - ${seconds}::float8 * interval '1 second'`

/** Removes up to `most` changes that are too old. Returns how many went. */
export async function pruneChangesByAge(sql: Sql, retention: Retention, most: number): Promise<number> {
  const { count } = await sql`
    with bounds as (
      select ${c.space} as space, ${c.epoch} as epoch, max(${c.version}) as version from ${c.as}
      where ${c.at} < ${secondsAgo(sql, retention.logSeconds)} group by ${c.space}, ${c.epoch}
    ), doomed as (
      select ${key} from bounds b
      join ${c.as} on ${c.space} = b.space and ${c.epoch} = b.epoch and ${c.version} <= b.version
      order by ${c.space}, ${c.epoch}, ${c.version} limit ${most}
    )
    delete from ${c.as} using doomed d where ${isDoomed(sql)}`
  return count
}

/**
 * Spaces that changed since, removed ones included, where there may be too many changes. Stands on spaces_changed_at.
 */
export async function spacesChangedSince(sql: Sql, since: Date | undefined): Promise<SpaceId[]> {
  const isLately = since === undefined ? undefined : gte(spaces.changedAt, since)
  const rows = await askBuilt(sql, query.select(idOnly).from(spaces).where(isLately))
  return rows.map(({ id }) => id)
}

/**
 * Removes up to `most` changes of the spaces that are more than each may keep. Those of former histories all are:
 * whoever asks for one of another epoch gets a snapshot, whatever the log still holds. Returns how many went.
 */
export async function pruneChangesByCount(
  sql: Sql,
  ids: readonly SpaceId[],
  retention: Retention,
  most: number,
): Promise<number> {
  const { count } = await sql`
    with doomed as (
      select ${key} from ${s.as}
      join ${c.as} on ${c.space} = ${s.id} and ${c.epoch} = ${s.epoch} and ${c.version} <= ${s.version} - ${retention.logChanges}
      where ${s.id} = any(${[...ids]}::text[])
      union all
      select ${key} from ${s.as} join ${c.as} on ${c.space} = ${s.id} and ${c.epoch} < ${s.epoch}
      where ${s.id} = any(${[...ids]}::text[])
      union all
      select ${key} from ${s.as} join ${c.as} on ${c.space} = ${s.id} and ${c.epoch} > ${s.epoch}
      where ${s.id} = any(${[...ids]}::text[])
      order by space, epoch, version limit ${most}
    )
    delete from ${c.as} using doomed d where ${isDoomed(sql)}`
  return count
}

/** Removes up to `most` outcomes that nobody asks for any more. Returns how many went. */
export async function pruneLedger(sql: Sql, retention: Retention, most: number): Promise<number> {
  const { count } = await sql`
    delete from ${o.as} where ctid = any(array(
      select ctid from ${o.as} where ${o.at} < ${secondsAgo(sql, retention.ledgerSeconds)} limit ${most}))`
  return count
}
