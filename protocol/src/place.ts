/**
 * How a run of changes relates to a position: gateway feeds, presence, client state and tests all ask `place` what of
 * it follows. Elsewhere versions are compared only where both are known to be of one epoch.
 */
import type { Epoch } from './id.ts'
import type { Position } from './position.ts'

/** A run of changes `from+1 … to` of one epoch. `from` is the version before its first change. */
export interface Range<History = Epoch> {
  epoch: History
  from: number
  to: number
}

/**
 * - `follows`: apply all of it.
 * - `overlaps`: starts at or before the held version and reaches past it: skip what is held, apply the rest.
 * - `old`: holds nothing new.
 * - `gap`: something between is missing: never apply, resume.
 * - `other-epoch`: another history: never compare versions, resume and expect a snapshot.
 */
export type Placement = 'follows' | 'overlaps' | 'old' | 'gap' | 'other-epoch'

/** How `range` relates to what a holder at `held` has. */
export function place<History>(held: Position<History>, range: Range<History>): Placement {
  if (held.epoch !== range.epoch) return 'other-epoch'
  if (range.to <= held.version) return 'old'
  if (range.from > held.version) return 'gap'
  return range.from === held.version ? 'follows' : 'overlaps'
}

/** Whether somebody at `held` lacks something that `head` has. Another epoch counts as behind. */
export function isBehind<History>(held: Position<History>, head: Position<History>): boolean {
  return held.epoch !== head.epoch || held.version < head.version
}
