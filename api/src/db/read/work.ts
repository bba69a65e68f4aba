/**
 * What is a being's to carry out and nobody has claimed, over all spaces that it may read, oldest first. Stands on
 * intentions_waiting.
 */
import type { BeingId, Intention } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { intentions, members, spaces } from '../schema.ts'
import { intentionColumns, intentionOf, type IntentionRow, weightOfIntention } from '../rows.ts'
import { isWithin, pageColumns, type PageSize, rowsBefore } from './pages.ts'

const i = namesOf(intentions, 'i')
const m = namesOf(members, 'm')
const s = namesOf(spaces, 's')

export async function readWork(sql: Sql, being: BeingId, size: PageSize): Promise<Intention[]> {
  const rows = await sql<IntentionRow[]>`
    select ${intentionColumns} from (
      select i.*, ${pageColumns(sql, weightOfIntention(sql))} from ${i.as}
      join ${s.as} on ${s.id} = ${i.location} and ${s.removedAt} is null
      left join ${m.as} on ${m.space} = ${s.id} and ${m.being} = ${being}
      where ${i.owner} = ${being} and ${i.state} = 'draft' and ${i.position} > ${s.historyFrom}
        and case when ${m.role} is null then ${s.visibility} = 'public' else ${m.role} <> 'banned' end
      window page as (order by ${i.createdAt}, ${i.id} ${rowsBefore(sql)})
      order by ${i.createdAt}, ${i.id} limit ${size.items}) i
    where ${isWithin(sql, size)} order by ${i.createdAt}, ${i.id}`
  return rows.map(intentionOf)
}
