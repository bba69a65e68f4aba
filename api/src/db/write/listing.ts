/**
 * Whether a space that was just made is in everybody's list: not if its maker has `most` others. Said right after it
 * was committed, and no part of the log: it alters what strangers come upon, and nothing of the space. Stands on the
 * key of spaces and on beings_by_owner.
 */
import type { BeingId, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings, spaces } from '../schema.ts'

const b = namesOf(beings, 'b')
const s = namesOf(spaces, 's')
const set = namesOf(spaces)

export async function setListed(sql: Sql, maker: BeingId, space: SpaceId, most: number): Promise<void> {
  await sql`
    update ${s.as} set ${set.isListed} = not ${s.isListed} where ${s.id} = ${space} and ${s.isListed} <> (
      (select count(*) from (select from ${b.as}
        where ${b.owner} = ${maker} and ${b.type} = 'space' and ${b.id} <> ${space} limit ${most}) made) < ${most})`
}
