/**
 * Takes what a person wrote out of every table but that of intentions, which are removed by mutations, so that screens
 * learn of it: names and contents of its beings from the log, words from histories that nobody can reach any more, and
 * what the ledger says of its mutations. Stands on changes_of_beings, mutations' key and the key of the log.
 *
 * What gateways and devices hold of those spaces cannot be blanked from here, and a device may be away for weeks. So
 * each such space begins another history: whoever holds the former one, whenever it comes back, gets a snapshot in its
 * place, as after a restore (lineage.ts).
 */
import { BLANK } from '@rhizom/domain'
import type { BeingId, IntentionId, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings, changes, identities, intentions, members, mutations, reads, spaces } from '../schema.ts'

const b = namesOf(beings, 'b')
const i = namesOf(intentions, 'i')
const c = namesOf(changes, 'c')
const set = namesOf(changes)
const s = namesOf(spaces, 's')
const o = namesOf(mutations)
const e = namesOf(identities)
const m = namesOf(members, 'm')
const r = namesOf(reads, 'r')
const setSpace = namesOf(spaces)

/** What belongs to a being besides itself: its documents and bots. */
export async function belongingsOf(sql: Sql, being: BeingId): Promise<BeingId[]> {
  const rows = await sql<{ id: BeingId }[]>`
    select ${b.id} from ${b.as} where ${b.owner} = ${being} and ${b.id} <> ${being} and ${b.type} in ('document', 'bot')
    order by ${b.id}`
  return rows.map(({ id }) => id)
}

/** Some of the intentions of beings. */
export const someIntentionsOf = (sql: Sql, owners: readonly BeingId[], most: number) =>
  sql<{ id: IntentionId; location: SpaceId }[]>`
    select ${i.id}, ${i.location} from ${i.as} where ${i.owner} = any(${[...owners]}::text[]) limit ${most}`

/** Returns in how many changes something was blanked. */
export async function blankBeings(sql: Sql, ids: readonly BeingId[]): Promise<number> {
  const all = [...ids]
  const named = await sql`
    update ${c.as} set ${set.body} = ${c.body} || jsonb_build_object(
      'name', ${c.body} ->> 'id', 'metadata', '{}'::jsonb, 'properties', '{}'::jsonb, 'content', '[]'::jsonb)
    where ${c.kind} = 'being.put' and ${c.body} ->> 'id' = any(${all}::text[])`
  const isTheirs = sql`(${c.kind} = 'intention.put' and ${c.body} ->> 'owner' = any(${all}::text[])
    or ${c.kind} = 'intention.append' and ${c.actor} = any(${all}::text[]))`
  // Intentions of a space that is gone, or of a history before its present one, have no row to be removed by.
  const said = await sql`
    update ${c.as} set ${set.body} = case when ${c.kind} = 'intention.append'
      then jsonb_set(${c.body}, '{text}', to_jsonb(${BLANK}::text))
      else jsonb_set(${c.body} - 'former' - 'reason', '{content}', '[]') end
    from ${s.as} where ${c.space} = ${s.id} and (${s.removedAt} is not null or ${c.epoch} <> ${s.epoch}) and ${isTheirs}`
  return named.count + said.count
}

/**
 * Where beings are, spoke, have a role or have read: what is gone once they are removed. What the log tells of them is
 * asked when it is blank (`beginHistories`).
 */
export async function spacesKnowing(sql: Sql, ids: readonly BeingId[]): Promise<SpaceId[]> {
  const all = [...ids]
  const rows = await sql<{ space: SpaceId }[]>`
    select ${b.location} as space from ${b.as} where ${b.id} = any(${all}::text[]) and ${b.location} is not null
    union select ${i.location} from ${i.as} where ${i.owner} = any(${all}::text[])
    union select ${m.space} from ${m.as} where ${m.being} = any(${all}::text[])
    union select ${r.space} from ${r.as} where ${r.being} = any(${all}::text[])`
  return rows.map(({ space }) => space)
}

/** Another history for those, and for all whose present one tells of the beings. Returns of how many. */
export async function beginHistories(sql: Sql, ids: readonly BeingId[], known: readonly SpaceId[]): Promise<number> {
  const all = [...ids]
  // In the order in which every writer locks, so that nobody waits in a circle.
  const { count } = await sql`
    with concerned as (
      select unnest(${[...known]}::text[]) as id
      union
      select ${c.space} from ${c.as} join ${s.as} on ${s.id} = ${c.space} and ${s.epoch} = ${c.epoch}
      where ${c.actor} = any(${all}::text[]) or ${c.body} ->> 'id' = any(${all}::text[])
        or ${c.body} ->> 'owner' = any(${all}::text[]) or ${c.body} ->> 'being' = any(${all}::text[])
    ), locked as (
      select ${s.id} as id from ${s.as} join concerned on concerned.id = ${s.id}
      where ${s.removedAt} is null order by ${s.id} for no key update of s
    )
    update ${s.as} set ${setSpace.epoch} = gen_random_uuid(), ${setSpace.changedAt} = now()
    from locked where ${s.id} = locked.id`
  return count
}

/** And whom it is elsewhere. */
export async function forgetOutcomes(sql: Sql, ids: readonly BeingId[]): Promise<void> {
  await sql`delete from ${o.as} where ${o.actor} = any(${[...ids]}::text[])`
  await sql`delete from ${e.as} where ${e.being} = any(${[...ids]}::text[])`
}
