/** Looking up what became of a mutation. Stands on the primary key of mutations. */
import type { Outcome } from '@rhizom/domain'
import { type BeingId, type MutationId, rejectionCodeSchema } from '@rhizom/protocol'
import type { Sql } from '../database.ts'

export interface OutcomeRow {
  status: 'applied' | 'rejected'
  version: number | null
  code: string | null
  message: string | null
}

export async function findOutcome(sql: Sql, actor: BeingId, id: MutationId): Promise<Outcome | undefined> {
  const [row] = await sql<OutcomeRow[]>`
    select m.status, m.version, m.code, m.message from mutations m where m.actor = ${actor} and m.id = ${id}`
  return row === undefined ? undefined : outcomeOf(row)
}

export function outcomeOf(row: OutcomeRow): Outcome {
  if (row.status === 'applied')
    return row.version === null ? { status: 'applied' } : { status: 'applied', version: row.version }
  return { status: 'rejected', error: { code: rejectionCodeSchema.parse(row.code), message: row.message ?? '' } }
}
