/**
 * What a watched space can be, what can happen to it, and what it asks for. Types and the beginning; `space.ts` says
 * what comes of what.
 */
import type { TimePassed } from '@rhizom/machine'
import type { BeingId, IntentionId, JsonObject, Position, Range, Snapshot, SpaceId } from '@rhizom/protocol'
import type { Older, OlderEvent } from './older-intentions.ts'
import { notHere, type OwnPresence } from './own-presence.ts'
import type { PresenceChange, PresenceState, HereList } from './presence-state.ts'
import type { IncomingChange } from './incoming.ts'
import type { SpaceContent } from './space-content.ts'
import { nobodyTypes, type TypingState } from './typing-state.ts'

/** How it stands with the gateway. `attempt` counts failures in a row. */
export type Subscription =
  /** There is no connection. */
  | { status: 'paused' }
  /** `subscribe` is sent, the answer is awaited. */
  | { status: 'asking'; attempt: number; givesUpAtMs: number }
  /** With `answerByMs` it is asked for over another connection, while this one goes on. */
  | { status: 'current'; attempt: number; sinceMs: number; answerByMs: number | undefined }
  /** There was no usable answer; it is asked for again later. */
  | { status: 'retrying'; attempt: number; retryAtMs: number; reason: string }
  /** Gone, revoked or refused: only a person asks again. */
  | { status: 'closed'; code: string; message: string }

export interface SpaceState {
  id: SpaceId
  subscription: Subscription
  /** undefined until the first snapshot, and after a close. */
  content: SpaceContent | undefined
  older: Older
  /** Who is here; undefined until the first answer, and after a close. */
  presence: PresenceState | undefined
  /** Being here oneself. */
  own: OwnPresence
  typing: TypingState
}

/** Changes as a frame brings them. */
export type ChangeRun = Range & { changes: readonly IncomingChange[] }

export type SpaceEvent =
  | { type: 'connected' }
  /** Another connection is to take over; until it has, the former one is heard. */
  | { type: 'moved' }
  | { type: 'disconnected' }
  /** `resets`: what is held gives way, whatever its version. */
  | { type: 'snapshotReceived'; snapshot: Snapshot; roster: HereList; resets?: boolean }
  | { type: 'resumedReceived'; frame: ChangeRun; roster: HereList }
  | { type: 'changesReceived'; frame: ChangeRun }
  | { type: 'headReceived'; version: number }
  | { type: 'presenceReceived'; frame: PresenceChange }
  | { type: 'typingReceived'; being: BeingId }
  | { type: 'typingEnded'; being: BeingId }
  | { type: 'subscribeFailed'; code: string; message: string; retryAfterMs: number | undefined }
  | { type: 'unsubscribed'; code: string; message: string }
  /** As whom one is here from now on; undefined where one only watches. */
  | { type: 'presentChanged'; being: BeingId | undefined }
  /** What others are to see of oneself. */
  | { type: 'stateSet'; state: JsonObject }
  | { type: 'retryRequested' }
  /** The store was emptied from outside. */
  | { type: 'storeLost' }
  | OlderEvent
  | TimePassed

export type SpaceEffect =
  /** Without a position the answer is a snapshot. */
  | { type: 'subscribe'; position: Position | undefined; present: boolean }
  | { type: 'sendPresence'; state: JsonObject }
  | { type: 'fetchOlder'; before: IntentionId | undefined }

export const initialSpace = (id: SpaceId): SpaceState => ({
  id,
  subscription: { status: 'paused' },
  content: undefined,
  older: { status: 'idle' },
  presence: undefined,
  own: notHere,
  typing: nobodyTypes,
})
