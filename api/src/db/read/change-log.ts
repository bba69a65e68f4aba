/** Reading the log of a space. Stands on the primary key of changes. */
import type { Change, Epoch, Heads, Position, Space, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { changeBytes, isWithin, pageColumns, type PageSize, rowsBefore } from './pages.ts'
import { changeColumns, changeFromRow, type ChangeRow } from '../rows.ts'

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
    select ${changeColumns(sql)} from (
      select c.*, ${pageColumns(sql, changeBytes(sql))} from changes c
      where c.space = ${space.id} and c.epoch = ${space.epoch} and c.version > ${after.version}
        and c.version <= ${space.version}
      window page as (order by c.version ${rowsBefore(sql)}) order by c.version limit ${size.items}) c
    where ${isWithin(sql, size)} order by c.version`
  const isWhole = rows[0]?.version === after.version + 1 && rows.at(-1)?.version === after.version + rows.length
  return isWhole ? rows.map(changeFromRow) : undefined
}

/** Positions of those of `ids` that exist. Stands on the primary key of spaces. */
export async function readHeads(sql: Sql, ids: readonly SpaceId[]): Promise<Heads> {
  return headsOf(
    await sql<HeadRow[]>`
      select s.id, s.epoch, s.version from spaces s where s.id = any(${[...ids]}::text[]) and s.removed_at is null`,
  )
}

/**
 * Positions of spaces changed within the last `windowMs`, removed ones included: whoever follows one finds itself
 * behind, reads, and learns that it is gone. Stands on spaces_changed_at.
 *
 * Without parameters on purpose: it is asked on the connection that holds the lock of the leader (leader/leader.ts).
 */
export async function readLatelyChanged(sql: Sql, windowMs: number): Promise<Heads> {
  const milliseconds = sql.unsafe(`${Math.ceil(windowMs)}`)
  return headsOf(
    await sql<HeadRow[]>`
      select s.id, s.epoch, s.version from spaces s
      where s.changed_at > now() - ${milliseconds} * interval '1 millisecond'`,
  )
}

interface HeadRow {
  id: SpaceId
  epoch: Epoch
  version: number
}

const headsOf = (rows: readonly HeadRow[]): Heads =>
  Object.fromEntries(rows.map(({ id, epoch, version }) => [id, { epoch, version }]))
