/** Reading the log of a space. Stands on the primary key of changes. */
import type { Change, Heads, Position, Space, SpaceId } from '@rhizom/protocol'
import { and, eq, gt, isNull, sql as written } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { namesOf, type RowOf } from '../names.ts'
import { askBuilt, fieldsOf, query, textArray } from '../query.ts'
import { changes, spaces } from '../schema.ts'
import { isWithin, pageColumns, type PageSize, rowsBefore } from './pages.ts'
import { changeColumns, changeFromRow, type ChangeRow } from '../rows.ts'

const c = namesOf(changes, 'c')

/**
 * A page of the changes that follow `after`. Undefined if the log cannot tell: another epoch, a position ahead
 * of the space (the database was restored from a backup), or one older than what the log still keeps.
 */
export async function readChanges(
  sql: Sql,
  space: Space,
  after: Position,
  size: PageSize,
): Promise<Change[] | undefined> {
  if (after.epoch !== space.epoch || after.version > space.version) return undefined
  if (after.version === space.version) return []
  const rows = await sql<ChangeRow[]>`
    select ${changeColumns} from (
      select c.*, ${pageColumns(sql, c.bytes)} from ${c.as}
      where ${c.space} = ${space.id} and ${c.epoch} = ${space.epoch} and ${c.version} > ${after.version}
        and ${c.version} <= ${space.version}
      window page as (order by ${c.version} ${rowsBefore(sql)}) order by ${c.version} limit ${size.items}) c
    where ${isWithin(sql, size)} order by ${c.version}`
  const isWhole = rows[0]?.version === after.version + 1 && rows.at(-1)?.version === after.version + rows.length
  return isWhole ? rows.map(changeFromRow) : undefined
}

const HEAD = ['id', 'epoch', 'version'] as const
const headFields = fieldsOf(spaces, HEAD)

/** Positions of those of `ids` that exist. Stands on the primary key of spaces. */
export async function readHeads(sql: Sql, ids: readonly SpaceId[]): Promise<Heads> {
  const isAsked = and(eq(spaces.id, written`any(${textArray(ids)})`), isNull(spaces.removedAt))
  return headsOf(await askBuilt(sql, query.select(headFields).from(spaces).where(isAsked)))
}

/**
 * Positions of spaces changed within the last `windowMs`, removed ones included: whoever follows one finds itself
 * behind, reads, and learns that it is gone. Stands on spaces_changed_at.
 *
 * Without parameters on purpose: it is asked on the connection that holds the lock of the leader (leader/leader.ts).
 */
export async function readLatelyChanged(sql: Sql, windowMs: number): Promise<Heads> {
  const since = written`now() - ${written.raw(`${Math.ceil(windowMs)}`)} * interval '1 millisecond'`
  return headsOf(await askBuilt(sql, query.select(headFields).from(spaces).where(gt(spaces.changedAt, since))))
}

const headsOf = (rows: readonly RowOf<typeof spaces, typeof HEAD>[]): Heads =>
  Object.fromEntries(rows.map(({ id, epoch, version }) => [id, { epoch, version }]))
