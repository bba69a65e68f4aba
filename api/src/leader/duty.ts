/**
 * What a leader does while it leads. When is said by core/leadership.ts; a duty says how, and holds nothing between
 * terms.
 */
import type { Sql } from '../db/database.ts'

/** From an election to the loss of the lock. */
export interface Term {
  /** The connection that holds the lock: no question on it may have parameters (leader.ts says why). */
  readonly sql: Sql
  readonly isOver: boolean
}

export interface Duty {
  /** Rejects with what went wrong; it is said, and the duty is done again when it is next due. */
  run(term: Term): Promise<void>
}
