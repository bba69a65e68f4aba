/**
 * Pages that end by bytes as well as by number. The sizes are added up in SQL, so that what is beyond a page is neither
 * sent nor parsed. A page ends with the item that takes it to the bound, so it always holds one, and whoever goes on
 * after it comes to the end. To be used as
 *
 *   select …, is_followed from (
 *     select x.*, ${pageColumns(sql, size of an item)} from … x where …
 *     window page as (order by ${order} ${rowsBefore(sql)}) order by ${order} limit ${size.items}) x
 *   where ${isWithin(sql, size)} order by ${order}
 */
import type postgres from 'postgres'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings, changes, intentions } from '../schema.ts'

const b = namesOf(beings, 'b')
const c = namesOf(changes, 'c')
const i = namesOf(intentions, 'i')

export interface PageSize {
  items: number
  bytes: number
}

/** To each row: the bytes of those before it, and whether there is another after it, be it on this page or not. */
export const pageColumns = (sql: Sql, bytes: postgres.Fragment) =>
  sql`coalesce(sum(${bytes}) over page, 0) as bytes_before, lead(true, 1, false) over page as is_followed`

/** The frame of the window `page`. */
export const rowsBefore = (sql: Sql) => sql`rows between unbounded preceding and 1 preceding`

export const isWithin = (sql: Sql, { bytes }: Pick<PageSize, 'bytes'>) => sql`bytes_before < ${bytes}`

/** What a change, an intention or a being weighs: the parts that are bounded by MAX_CONTENT_BYTES each. */
export const changeBytes = (sql: Sql) => sql`octet_length(${c.body}::text)`
export const intentionBytes = (sql: Sql) =>
  sql`octet_length(${i.content}::text) + coalesce(octet_length(${i.former}::text), 0)`
export const beingBytes = (sql: Sql) =>
  sql`octet_length(${b.metadata}::text) + octet_length(${b.properties}::text) + octet_length(${b.content}::text)`
