/** Writes what became of mutations, in the transaction of their effect. */
import type { Outcome } from '@rhizom/domain'
import type { BeingId, MutationId } from '@rhizom/protocol'
import type { Sql } from '../database.ts'
import { insertInto } from '../names.ts'
import { mutations } from '../schema.ts'
import { timestampOf } from '../timestamp.ts'
import type { Statement } from './statements.ts'

const insertOutcomes = insertInto(mutations, ['actor', 'id'], ['status', 'version', 'code', 'message', 'at'])

export function storeLedger(
  sql: Sql,
  outcomes: readonly [readonly [BeingId, MutationId], Outcome][],
  atMs: number,
): Statement[] {
  if (outcomes.length === 0) return []
  const at = timestampOf(atMs)
  const rows = outcomes.map(([[actor, id], outcome]) =>
    outcome.status === 'applied'
      ? { actor, id, status: outcome.status, version: outcome.version, at }
      : { actor, id, status: outcome.status, ...outcome.error, at },
  )
  return [insertOutcomes(sql, rows)]
}
