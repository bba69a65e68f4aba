/** Whom an issuer vouches for. Stands on the primary key. */
import type { BeingId } from '@rhizom/protocol'
import { and, eq } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { askBuilt, query } from '../query.ts'
import { identities } from '../schema.ts'

export interface IssuedIdentity {
  issuer: string
  /** The `sub` of the issuer: never of two people. */
  subject: string
}

export async function findIdentity(sql: Sql, { issuer, subject }: IssuedIdentity): Promise<BeingId | undefined> {
  const [row] = await askBuilt(
    sql,
    query
      .select({ being: identities.being })
      .from(identities)
      .where(and(eq(identities.issuer, issuer), eq(identities.subject, subject))),
  )
  return row?.being
}
