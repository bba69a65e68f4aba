/** Pages of the intentions of a space, the newest first. */
import type { Intention, IntentionId, Space } from '@rhizom/protocol'
import { and, eq } from 'drizzle-orm'
import type postgres from 'postgres'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { askBuilt, fieldsOf, query } from '../query.ts'
import { intentions } from '../schema.ts'
import { intentionColumns, intentionOf, type IntentionRow, weightOfIntention } from '../rows.ts'
import { isWithin, pageColumns, type PageSize, rowsBefore } from './pages.ts'

const i = namesOf(intentions, 'i')
const placeFields = fieldsOf(intentions, ['position'])

export interface IntentionPage {
  /** Oldest first. */
  intentions: Intention[]
  hasMore: boolean
}

/** The space that is read, and from where on. */
type Shown = Pick<Space, 'id' | 'historyFrom'>

const isShown = (sql: Sql, { id, historyFrom = 0 }: Shown) =>
  sql`${i.location} = ${id} and ${i.position} > ${historyFrom}`

export const readNewest = (sql: Sql, space: Shown, size: PageSize): Promise<IntentionPage> =>
  readPage(sql, isShown(sql, space), size)

/** Those before an intention, which must be of this space; undefined if it is not. */
export async function readBefore(
  sql: Sql,
  space: Shown,
  before: IntentionId,
  size: PageSize,
): Promise<IntentionPage | undefined> {
  const isMark = and(eq(intentions.id, before), eq(intentions.location, space.id))
  const [mark] = await askBuilt(sql, query.select(placeFields).from(intentions).where(isMark))
  if (mark === undefined || mark.position <= (space.historyFrom ?? 0)) return undefined
  return readPage(sql, sql`${isShown(sql, space)} and ${i.position} < ${mark.position}`, size)
}

/** Stands on intentions_by_position. */
async function readPage(sql: Sql, which: postgres.Fragment, size: PageSize): Promise<IntentionPage> {
  const rows = await sql<(IntentionRow & { isFollowed: boolean })[]>`
    select ${intentionColumns}, i.is_followed as "isFollowed" from (
      select i.*, ${pageColumns(sql, weightOfIntention(sql))} from ${i.as} where ${which}
      window page as (order by ${i.position} desc ${rowsBefore(sql)}) order by ${i.position} desc limit ${size.items}) i
    where ${isWithin(sql, size)} order by ${i.position} desc`
  return {
    intentions: rows.map(({ isFollowed: _isFollowed, ...row }) => intentionOf(row)).reverse(),
    hasMore: rows.at(-1)?.isFollowed ?? false,
  }
}
