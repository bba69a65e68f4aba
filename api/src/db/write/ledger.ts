/** Looking up what became of a mutation. Stands on the primary key of mutations. */
import type { Outcome } from '@rhizom/domain'
import { type BeingId, type MutationId, rejectionCodeSchema } from '@rhizom/protocol'
import { and, eq, sql as written } from 'drizzle-orm'
import type { Sql } from '../database.ts'
import { type RowOf, selectedFrom } from '../names.ts'
import { askBuilt, fieldsOf, query } from '../query.ts'
import { mutations } from '../schema.ts'

const OUTCOME = ['status', 'version', 'code', 'message'] as const
const idOnly = fieldsOf(mutations, ['id'])
const outcomeFields = fieldsOf(mutations, OUTCOME)

export type OutcomeRow = RowOf<typeof mutations, typeof OUTCOME>

/** To be selected, in SQL, from mutations under the name o. */
export const outcomeColumns = selectedFrom(mutations, 'o', OUTCOME)

export async function findOutcome(sql: Sql, actor: BeingId, id: MutationId): Promise<Outcome | undefined> {
  const isAsked = and(eq(mutations.actor, actor), eq(mutations.id, id))
  const [row] = await askBuilt(sql, query.select(outcomeFields).from(mutations).where(isAsked))
  return row === undefined ? undefined : outcomeOf(row)
}

/** Those of `ids` that there are. */
export async function findOutcomes(
  sql: Sql,
  actor: BeingId,
  ids: readonly MutationId[],
): Promise<Map<MutationId, Outcome>> {
  const areAsked = and(eq(mutations.actor, actor), written`${mutations.id} = any(${written.param([...ids])}::uuid[])`)
  const rows = await askBuilt(
    sql,
    query
      .select({ ...idOnly, ...outcomeFields })
      .from(mutations)
      .where(areAsked),
  )
  return new Map(rows.map(({ id, ...row }) => [id, outcomeOf(row)]))
}

export function outcomeOf(row: OutcomeRow): Outcome {
  if (row.status === 'applied')
    return row.version === null ? { status: 'applied' } : { status: 'applied', version: row.version }
  return { status: 'rejected', error: { code: rejectionCodeSchema.parse(row.code), message: row.message ?? '' } }
}
