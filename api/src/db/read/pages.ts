/**
 * Pages that end by bytes as well as by number. The sizes are added up in SQL, so that what is beyond a page is neither
 * sent nor parsed. A page ends with the item that takes it to the bound, so it always holds one, and whoever goes on
 * after it comes to the end. To be used as
 *
 *   select …, is_followed from (
 *     select x.*, ${pageColumns(sql, x.bytes)} from … x where …
 *     window page as (order by ${order} ${rowsBefore(sql)}) order by ${order} limit ${size.items}) x
 *   where ${isWithin(sql, size)} order by ${order}
 */
import type postgres from 'postgres'
import type { Sql } from '../database.ts'

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
