/**
 * What else deciding on replies takes: the bots of a space that an utterance may wake, and of an intention that others
 * than its owner want to carry out or stop, whose it is and who asked for it. To be asked under the lock of the space.
 */
import type { World } from '@rhizom/domain'
import type { BeingId, IntentionId, Role, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beings as beingsTable, intentions as intentionsTable, members } from '../schema.ts'
import {
  beingColumns,
  beingOf,
  type BeingRow,
  intentionColumns,
  type IntentionRow,
  placedIntentionOf,
} from '../rows.ts'

const b = namesOf(beingsTable, 'b')
const i = namesOf(intentionsTable, 'i')
const m = namesOf(members, 'm')

/** Bots that are looked at for one utterance; those beyond, in the order of ids, are not woken. */
const MAX_BOTS = 200

export interface BotRow {
  space: SpaceId
  id: BeingId
  owner: BeingId | null
  wakes: string | null
  role: Role | null
}

/** Not what else they hold, which may be large. Stands on beings_bots and the primary key of members. */
export const readBots = (sql: Sql, spaces: readonly SpaceId[]) => sql<BotRow[]>`
  select bots.*, ${m.role}
  from unnest(${[...spaces]}::text[]) as a(space) cross join lateral (
    select a.space, ${b.id}, ${b.owner}, ${b.properties}->>'wakes' as wakes
    from ${b.as}
    where ${b.location} = a.space and ${b.type} = 'bot' and coalesce(${b.properties}->>'wakes', '') <> 'never'
    order by ${b.id} limit ${MAX_BOTS}
  ) bots left join ${m.as} on ${m.space} = bots.space and ${m.being} = bots.id`

export function addBots(world: World, rows: readonly BotRow[]): void {
  for (const { space, id, owner, wakes, role } of rows) {
    const nothing = { metadata: {}, content: [], rev: 0, createdAt: 0, modifiedAt: 0, lastSeenAt: null }
    const properties = wakes === null ? {} : { wakes }
    world.bots.set(space, id, { id, type: 'bot', name: id, owner, location: space, properties, ...nothing })
    if (role !== null) world.members.set(space, id, role)
  }
}

/** Adds whose the intentions are and what they reply to, where somebody else than the owner asks. */
export async function addAsked(
  sql: Sql,
  world: World,
  asked: readonly { actor: BeingId; id: IntentionId }[],
): Promise<void> {
  const owners = new Set<BeingId>()
  const utterances = new Set<IntentionId>()
  for (const { actor, id } of asked) {
    const intention = world.intentions.get(id)
    if (intention === undefined || intention.owner === actor) continue
    if (!world.beings.has(intention.owner)) owners.add(intention.owner)
    const { replyTo } = intention
    if (replyTo !== null && replyTo !== undefined && !world.intentions.has(replyTo)) utterances.add(replyTo)
  }
  if (owners.size + utterances.size === 0) return
  const [beings, intentions] = await Promise.all([
    sql<BeingRow[]>`
      select ${beingColumns} from ${b.as}
      where ${b.id} = any(${[...owners]}::text[]) and ${b.removedAt} is null`,
    sql<IntentionRow[]>`
      select ${intentionColumns} from ${i.as} where ${i.id} = any(${[...utterances]}::uuid[])`,
  ])
  for (const row of beings) world.beings.set(row.id, beingOf(row))
  for (const row of intentions) world.intentions.set(row.id, placedIntentionOf(row))
}
