/** Who somebody is for an issuer: written once, at the first sign-in. Stands on the primary key. */
import type { BeingId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import type { IssuedIdentity } from '../read/identities.ts'
import { identities } from '../schema.ts'

const n = namesOf(identities)

/** False if it belongs to a being already. */
export async function linkIdentity(sql: Sql, { issuer, subject }: IssuedIdentity, being: BeingId): Promise<boolean> {
  const { count } = await sql`
    insert into ${n.as} (${n.issuer}, ${n.subject}, ${n.being}, ${n.createdAt})
    values (${issuer}, ${subject}, ${being}, clock_timestamp())
    on conflict (${n.issuer}, ${n.subject}) do nothing`
  return count === 1
}
