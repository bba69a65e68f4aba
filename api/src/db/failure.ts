/**
 * What a failed query means for the one who asked. Postgres says so by SQLSTATE; everything that is no SQLSTATE comes
 * from the connection.
 *
 * - `away`: the connection was lost, refused or too slow. The connection is not used again.
 * - `conflict`: another transaction was in the way (deadlock, serialization, a key inserted meanwhile). Read again and
 * retry.
 * - `refused`: Postgres will not do this, whoever asks: bad data or our bug. A neighbour in the same transaction is
 * innocent.
 */
import postgres from 'postgres'

export type Failure = 'away' | 'conflict' | 'refused'

/** The database cannot be reached, or not soon enough. Nothing was committed. */
export class DatabaseAway extends Error {
  override name = 'DatabaseAway'
}

/** Others had the same locks or keys first, again and again. Nothing was committed. */
export class Overtaken extends DatabaseAway {}

/** The connection was lost while a transaction was being committed: it may have happened or not. */
export class OutcomeUnknown extends Error {
  override name = 'OutcomeUnknown'
}

const CONFLICTS: ReadonlySet<string> = new Set(['40001', '40P01', '23505'])

/**
 * Cancelled for taking too long, out of connections or memory, shutting down: all the server's state, not the query's
 * fault.
 */
const AWAY_CLASSES: ReadonlySet<string> = new Set(['08', '53', '57', '58'])
const AWAY: ReadonlySet<string> = new Set(['25P03', '25P04', '55P03', '25006'])

export function failureOf(error: unknown): Failure {
  if (error instanceof DatabaseAway) return 'away'
  if (error instanceof postgres.PostgresError) {
    if (CONFLICTS.has(error.code)) return 'conflict'
    return AWAY.has(error.code) || AWAY_CLASSES.has(error.code.slice(0, 2)) ? 'away' : 'refused'
  }
  return isConnectionError(error) ? 'away' : 'refused'
}

const CONNECTION_CODES =
  /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENET|EADDR|ERR_TLS|ERR_SSL)/

function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError) return error.errors.some(isConnectionError)
  return 'code' in error && typeof error.code === 'string' && CONNECTION_CODES.test(error.code)
}
