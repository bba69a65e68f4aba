/**
 * What a failure of Postgres means for whoever set the process up. The reasons are few and fixed; what Postgres or the
 * connection said is told beside them.
 */
import type { Trouble } from '@rhizom/process'

/** By SQLSTATE, or the beginning of it. */
const REASONS: readonly [code: string, reason: string][] = [
  ['28', 'DATABASE_URL: Postgres refuses this user or password'],
  ['3D000', 'DATABASE_URL: Postgres has no database of this name'],
  ['42501', 'DATABASE_URL: this user of Postgres may not do what is asked of it'],
  ['42P01', 'the database lacks tables: it was not migrated, or not to this release'],
  ['42703', 'the database lacks columns: it was not migrated to this release'],
  ['42704', 'DATABASE_URL: Postgres does not know a parameter of it'],
  ['25006', 'DATABASE_URL: this Postgres is a replica that cannot be written to'],
  ['53300', 'Postgres has no connections left for this node: DATABASE_POOL times the nodes is more than it allows'],
  ['57P03', 'Postgres is not ready to answer'],
  ['08P01', 'DATABASE_URL: Postgres, or a pooler before it, refuses how this process speaks'],
]

const UNREACHED = 'Postgres is not reached'

export function postgresTrouble(error: unknown): Trouble {
  const causes = causesOf(error)
  const last = causes.at(-1)
  const problem = last === undefined ? String(error) : last.message === '' ? last.name : last.message
  for (const cause of causes) {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
    const reason = REASONS.find(([known]) => code.startsWith(known))?.[1]
    if (reason !== undefined) return { reason, problem }
  }
  return { reason: UNREACHED, problem }
}

/** An error, its cause, and so on; of several at once the last. */
function causesOf(error: unknown): Error[] {
  const causes: Error[] = []
  for (let next = error; next instanceof Error && !causes.includes(next); ) {
    causes.push(next)
    next = next.cause ?? (next instanceof AggregateError ? next.errors.at(-1) : undefined)
  }
  return causes
}
