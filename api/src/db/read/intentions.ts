/** Pages of the intentions of a space, the newest first. */
import type { Intention, SpaceId } from '@rhizom/protocol'
import type postgres from 'postgres'
import type { Sql } from '../database.ts'
import { intentionColumns, intentionOf, type IntentionRow } from '../rows.ts'
import { intentionBytes, isWithin, pageColumns, type PageSize, rowsBefore } from './pages.ts'

export interface IntentionPage {
  /** Oldest first. */
  intentions: Intention[]
  hasMore: boolean
}

export const readNewest = (sql: Sql, space: SpaceId, size: PageSize): Promise<IntentionPage> =>
  readPage(sql, sql`i.location = ${space}`, size)

/** Those before an intention, which must be of this space; undefined if it is not. */
export async function readBefore(
  sql: Sql,
  space: SpaceId,
  before: string,
  size: PageSize,
): Promise<IntentionPage | undefined> {
  const [mark] = await sql<{ position: number }[]>`
    select i.position from intentions i where i.id = ${before} and i.location = ${space}`
  if (mark === undefined) return undefined
  return readPage(sql, sql`i.location = ${space} and i.position < ${mark.position}`, size)
}

/** Stands on intentions_by_position. */
async function readPage(sql: Sql, which: postgres.Fragment, size: PageSize): Promise<IntentionPage> {
  const rows = await sql<(IntentionRow & { isFollowed: boolean })[]>`
    select ${intentionColumns(sql)}, i.is_followed as "isFollowed" from (
      select i.*, ${pageColumns(sql, intentionBytes(sql))} from intentions i where ${which}
      window page as (order by i.position desc ${rowsBefore(sql)}) order by i.position desc limit ${size.items}) i
    where ${isWithin(sql, size)} order by i.position desc`
  return {
    intentions: rows.map(({ isFollowed: _isFollowed, ...row }) => intentionOf(row)).reverse(),
    hasMore: rows.at(-1)?.isFollowed ?? false,
  }
}
