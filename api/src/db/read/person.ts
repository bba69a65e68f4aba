/**
 * What a person is and wrote, to be exported. Stands on primary keys, members_by_being, intentions_by_owner,
 * invites_by_maker and identities_by_being.
 */
import type { Being, BeingId, Intention, Invite, Role, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { beingColumns, beingOf, type BeingRow, intentionColumns, intentionOf, type IntentionRow } from '../rows.ts'
import { beings, identities, intentions, invites, members, reads } from '../schema.ts'
import { inviteOf, listedInviteColumns } from './invites.ts'

const b = namesOf(beings, 'b')
const i = namesOf(intentions, 'i')
const m = namesOf(members, 'm')
const n = namesOf(invites, 'n')
const r = namesOf(reads, 'r')
const e = namesOf(identities, 'e')

/** Itself, and what belongs to it. */
export async function beingsOf(sql: Sql, person: BeingId): Promise<Being[]> {
  const rows = await sql<BeingRow[]>`
    select ${beingColumns} from ${b.as}
    where (${b.id} = ${person} or ${b.owner} = ${person}) and ${b.removedAt} is null order by ${b.id} <> ${person}, ${b.id}`
  return rows.map(beingOf)
}

export const rolesOf = (sql: Sql, person: BeingId) =>
  sql<{ space: SpaceId; role: Role }[]>`
    select ${m.space}, ${m.role} from ${m.as} where ${m.being} = ${person} order by ${m.space}`

/** Those it made, with how many uses are left. Whom they let in is told by the roles of those. */
export async function invitesOf(sql: Sql, person: BeingId): Promise<Invite[]> {
  const rows = await sql<Parameters<typeof inviteOf>[0][]>`
    select ${listedInviteColumns} from ${n.as} where ${n.by} = ${person} order by ${n.createdAt}, ${n.id}`
  return rows.map(inviteOf)
}

/** How far it has read. */
export const readsOf = (sql: Sql, person: BeingId) =>
  sql<{ space: SpaceId; version: number }[]>`
    select ${r.space}, ${r.version} from ${r.as} where ${r.being} = ${person} order by ${r.space}`

/** Who it is elsewhere. */
export const identitiesOf = (sql: Sql, person: BeingId) =>
  sql<{ issuer: string; subject: string }[]>`
    select ${e.issuer}, ${e.subject} from ${e.as} where ${e.being} = ${person} order by ${e.issuer}, ${e.subject}`

/** In the order of ids, which is nearly that of time. */
export async function intentionsOfPage(
  sql: Sql,
  person: BeingId,
  after: string | undefined,
  limit: number,
): Promise<Intention[]> {
  const rows = await sql<IntentionRow[]>`
    select ${intentionColumns} from ${i.as} where ${i.owner} = ${person}
      and (${after ?? null}::uuid is null or ${i.id} > ${after ?? null}::uuid)
    order by ${i.id} limit ${limit}`
  return rows.map(intentionOf)
}
