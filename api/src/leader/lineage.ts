/**
 * At an election: whether the database lives where it last lived. Where Postgres does not tell, the node leads all the
 * same.
 */
import type { Sql } from '../db/database.ts'
import { failureOf } from '../db/failure.ts'
import { checkLineage } from '../db/write/lineage.ts'
import type { ProcessLog } from '@rhizom/process'
import type { Metrics } from '../observe.ts'

export async function checkLineageAtElection(sql: Sql, metrics: Metrics, log: ProcessLog): Promise<void> {
  try {
    const verdict = await checkLineage(sql)
    if (verdict !== 'new-history') return
    metrics.newEpochs.inc()
    log.warn('the database lives in another run of Postgres: every space has a new epoch')
  } catch (error) {
    if (failureOf(error) !== 'refused') throw error
    log.warn({ err: error }, 'Postgres does not tell its lineage: after a restore run new-epochs.ts')
  }
}
