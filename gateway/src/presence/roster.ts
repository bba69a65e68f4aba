/**
 * Who is here, as the rest of a gateway sees it: connections come and go, feeds open and close, and answers to
 * `subscribe` tell the roster. `PresenceHub` implements it.
 */
import type { BeingId, Here, JsonObject, PresenceMessage, SpaceId } from '@rhizom/protocol'
import type { ConnectionId } from '../core/presence/local.ts'

export interface RosterAnswer {
  here: readonly Here[]
  hereCount: number
  /** This is what was known last. */
  frozen: boolean
}

export interface Roster {
  /** A feed follows the space: `tell` takes frames for all its followers. */
  opened(space: SpaceId, tell: (frame: Uint8Array) => void): void
  closed(space: SpaceId): void
  /** Resolves when the roster of a space is known, or after a while. */
  ready(space: SpaceId): Promise<void>
  /** What newcomers are told, themselves included. */
  here(space: SpaceId, newcomers: readonly BeingId[]): RosterAnswer
  came(space: SpaceId, connection: ConnectionId, being: BeingId): void
  /** It may be back soon. */
  left(space: SpaceId, connection: ConnectionId): void
  /** It may not be here any more. */
  ended(space: SpaceId, connection: ConnectionId): void
  /** Nobody else may be here any more, nor those who left a moment ago. */
  restricted(space: SpaceId, mayRead: (being: BeingId) => boolean): void
  /** They may not be here any more, in whatever space, nor if they left a moment ago. */
  expelled(beings: ReadonlySet<BeingId>): void
  stateSet(space: SpaceId, connection: ConnectionId, being: BeingId, state: JsonObject): void
  heard(space: SpaceId, message: PresenceMessage): void
  beatHeard(message: Uint8Array): void
  channelJoined(space: SpaceId): void
  busLost(): void
  busRecovered(): void
  /** The clients are asked to come back elsewhere after this long, and should not seem to leave meanwhile. */
  prolong(ms: number): void
  /** Resolves when nobody is here through this gateway any more. */
  emptied(): Promise<void>
  stop(): Promise<void>
}
