/** What a watched space can hear and what it asks for. Types only; `space-state.ts` says what comes of them. */
import type { BeingId, ChangesFrame, Position, ResumedFrame, Snapshot } from '@rhizom/protocol'
import type { OlderEvent } from './older.ts'
import type { PresenceFrame, Roster } from './presence-state.ts'
import type { OwnWord } from './self-presence.ts'

type ResumedRun = Pick<ResumedFrame, 'epoch' | 'from' | 'to' | 'changes'>

export type SpaceEvent =
  | { type: 'connected' }
  | { type: 'disconnected' }
  /** How one wants to be subscribed has changed: it is said anew, from the held position. */
  | { type: 'wishChanged' }
  | { type: 'snapshotReceived'; snapshot: Snapshot; roster: Roster }
  | { type: 'resumedReceived'; frame: ResumedRun; roster: Roster }
  | { type: 'changesReceived'; frame: Pick<ChangesFrame, 'epoch' | 'from' | 'to' | 'changes'> }
  | { type: 'headHeard'; version: number }
  | { type: 'presenceHeard'; frame: PresenceFrame }
  /** One comes, goes or sets a state, through this client. */
  | { type: 'selfChanged'; self: OwnWord }
  | { type: 'typingHeard'; being: BeingId }
  | { type: 'typingStopped'; being: BeingId }
  | { type: 'askFailed'; code: string; message: string; retryAfterMs: number | null }
  | { type: 'unsubscribed'; code: string; message: string }
  | { type: 'retryRequested' }
  | OlderEvent
  | { type: 'timePassed' }

export type SpaceEffect =
  /** Without a position the answer is a snapshot. */
  { type: 'subscribe'; position: Position | null } | { type: 'fetchOlder'; before: string | null }
