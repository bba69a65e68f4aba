/** The words of the roster machine (roster.ts): how it is set, what it asks to be done, what it has written. */
import type { BeingId, BootId, PresenceEntry, PresenceHint, ServerFrame, SpaceId } from '@rhizom/protocol'
import type { Orphans } from './presence-read.ts'

export interface RosterSettings {
  graceMs: number
  windowMs: number
  listLimit: number
}

export type PresenceFrame = Extract<ServerFrame, { type: 'presence' }>

export type RosterEffect =
  /** The answer names the turn, so that one that was overtaken is told apart. */
  | { type: 'readHash'; turn: number }
  /** `takeWrite` has something to say. */
  | { type: 'writeHash' }
  | { type: 'removeOrphans'; orphans: Orphans }
  | { type: 'sendFrame'; frame: PresenceFrame }
  | { type: 'reportLastSeen'; being: BeingId; at: number }

export interface PresenceWrite {
  space: SpaceId
  bootId: BootId
  /** The gateway's write to this space before this one; 0 if there was none under this name. */
  from: number
  to: number
  put: ReadonlyMap<BeingId, PresenceEntry>
  left: ReadonlyMap<BeingId, number>
  /** Everything of ours is in it: there may have been no hash before. */
  isWhole: boolean
  hint: PresenceHint
}
