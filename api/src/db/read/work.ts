/**
 * What is a being's to carry out and nobody has claimed, over all spaces that it may read, oldest first. Stands on
 * intentions_waiting.
 */
import type { BeingId, Intention } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { intentionColumns, intentionOf, type IntentionRow } from '../rows.ts'
import { intentionBytes, isWithin, pageColumns, type PageSize, rowsBefore } from './pages.ts'

export async function readWork(sql: Sql, being: BeingId, size: PageSize): Promise<Intention[]> {
  const rows = await sql<IntentionRow[]>`
    select ${intentionColumns(sql)} from (
      select i.*, ${pageColumns(sql, intentionBytes(sql))} from intentions i
      join spaces s on s.id = i.location and s.removed_at is null
      where i.owner = ${being} and i.state = 'draft' and (s.visibility = 'public' or exists (
        select from members m where m.space = s.id and m.being = ${being}))
      window page as (order by i.created_at, i.id ${rowsBefore(sql)})
      order by i.created_at, i.id limit ${size.items}) i
    where ${isWithin(sql, size)} order by i.created_at, i.id`
  return rows.map(intentionOf)
}
