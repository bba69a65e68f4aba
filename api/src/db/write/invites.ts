/**
 * Invites are made and revoked under the lock of their space, as they are used: so none is used after it was revoked,
 * and none is made by somebody who has just stopped being an owner. To be called in a transaction.
 */
import type { Invite, InviteId, InviteRole, SpaceId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { inviteOf, listedInviteColumns } from '../read/invites.ts'
import { invites } from '../schema.ts'
import { lockSpaces } from './load-world.ts'

const n = namesOf(invites, 'n')
const set = namesOf(invites)

export interface NewInvite extends Pick<Invite, 'id' | 'space' | 'by' | 'uses'> {
  role: InviteRole
  /** A digest. */
  secret: string
  lifetimeMs: number
}

/** Undefined if the space has `most` already that have not ended. */
export async function makeInvite(sql: Sql, made: NewInvite, most: number): Promise<Invite | undefined> {
  const rows = await sql<Parameters<typeof inviteOf>[0][]>`
    insert into ${set.as} as n (${set.id}, ${set.space}, ${set.secret}, ${set.role}, ${set.by}, ${set.uses},
      ${set.usesLeft}, ${set.createdAt}, ${set.expiresAt})
    select ${made.id}, ${made.space}, ${made.secret}, ${made.role}, ${made.by}, ${made.uses}::int, ${made.uses}::int,
      now, now + ${made.lifetimeMs}::float8 * interval '1 millisecond' from clock_timestamp() now
    where (select count(*) from (select from ${n.as}
      where ${n.space} = ${made.space} and ${n.expiresAt} > now limit ${most}) open) < ${most}
    returning ${listedInviteColumns}`
  return rows.map(inviteOf)[0]
}

/** Whether there was such a one in that space. */
export async function revokeInvite(sql: Sql, space: SpaceId, id: InviteId): Promise<boolean> {
  await lockSpaces(sql, [space])
  const { count } = await sql`delete from ${set.as} where ${set.id} = ${id} and ${set.space} = ${space}`
  return count > 0
}

/** Removes up to `most` that have ended; returns how many went. Stands on invites_expiring. */
export async function pruneInvites(sql: Sql, most: number): Promise<number> {
  const { count } = await sql`
    delete from ${set.as} where ${set.id} = any(array(
      select ${n.id} from ${n.as} where ${n.expiresAt} < now() limit ${most}))`
  return count
}
