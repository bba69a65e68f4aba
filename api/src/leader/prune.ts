/**
 * Prunes log and ledger. A round that was cut short by an error, a stop or the end of a term is made up for by the
 * next, by whichever node leads then. Two at once would do no harm.
 */
import type { Database } from '../db/database.ts'
import {
  pruneChangesByAge,
  pruneChangesByCount,
  pruneLedger,
  type Retention,
  spacesChangedSince,
} from '../db/write/retention.ts'
import { pruneInvites } from '../db/write/invites.ts'
import { pruneSessions } from '../db/write/sessions.ts'
import type { Metrics } from '../observe.ts'
import type { Term } from './duty.ts'

/** Rows a statement removes: it holds a connection for some milliseconds, not for as long as there is something. */
const ROWS_AT_ONCE = 5000
const SPACES_AT_ONCE = 500
/** Spaces are asked again for a while: changed_at is exact to a second only, and clocks of two nodes differ. */
const OVERLAP_MS = 60_000

/** A term, or whatever else may end a round. */
type Round = Pick<Term, 'isOver'>

/** A leader's duty, and done at once when an operator asks. */
export interface Pruning {
  run(round: Round): Promise<void>
}

/**
 * Works on connections of the pool, and not on that of the lock: a round may take its time. Sessions stay for
 * `sessionsForMs` after their end, as long as they are told of.
 */
export function pruningDuty(
  database: Database,
  metrics: Metrics,
  retention: Retention,
  sessionsForMs: number,
): Pruning {
  /** Up to when the spaces that changed were counted in a term: another node may have led before it. */
  let counted: { term: Round; to: Date } | undefined

  return {
    async run(term) {
      const untilDone = async (
        table: 'changes' | 'mutations' | 'sessions' | 'invites',
        prune: (most: number) => Promise<number>,
      ): Promise<void> => {
        for (let removed = ROWS_AT_ONCE; removed === ROWS_AT_ONCE && !term.isOver; ) {
          removed = await prune(ROWS_AT_ONCE)
          metrics.pruned.inc({ table }, removed)
        }
      }
      await untilDone('changes', (most) => database.use((sql) => pruneChangesByAge(sql, retention, most)))
      await untilDone('mutations', (most) => database.use((sql) => pruneLedger(sql, retention, most)))
      await untilDone('sessions', (most) => database.use((sql) => pruneSessions(sql, sessionsForMs, most)))
      await untilDone('invites', (most) => database.use((sql) => pruneInvites(sql, most)))
      const to = new Date(Date.now() - OVERLAP_MS)
      const since = counted?.term === term ? counted.to : undefined
      const spaces = await database.use((sql) => spacesChangedSince(sql, since))
      for (let at = 0; at < spaces.length; at += SPACES_AT_ONCE) {
        const some = spaces.slice(at, at + SPACES_AT_ONCE)
        await untilDone('changes', (most) => database.use((sql) => pruneChangesByCount(sql, some, retention, most)))
      }
      // A round that was cut short has not counted them all.
      if (!term.isOver) counted = { term, to }
    },
  }
}
