/**
 * Who is here, as the rest of a gateway sees it, and what it is given. Each subscription that counts as here holds a
 * `PresenceHandle`, made when it is answered and ended by whoever made it; each space that is followed holds a
 * `RosterHandle`, which tells its part of an answer. `PresenceHub` implements it.
 */
import type { Clock, Random } from '@rhizom/machine'
import type { BeingId, BootId, JsonObject, PresenceMessage, SpaceId } from '@rhizom/protocol'
import type { LeaseSettings } from '../core/presence/lease.ts'
import type { ConnectionId } from '../core/presence/local.ts'
import type { RosterAnswer, RosterSettings } from '../core/presence/roster.ts'
import type { Log, PresenceStore } from '../ports.ts'
import type { LastSeen } from './last-seen.ts'
import type { PresenceMetrics } from './metrics.ts'

export interface PresenceDeps {
  clock: Clock
  random: Random
  store: PresenceStore
  lastSeen: Pick<LastSeen, 'note' | 'flush' | 'stop'>
  /** A name no gateway had before. */
  newBootId(): BootId
  metrics: PresenceMetrics
  log: Log
  settings: PresenceSettings
  /** A bug of ours was met, and ends here. */
  faulted(error: unknown): void
}

export interface PresenceSettings {
  roster: RosterSettings
  lease: LeaseSettings
}

/** One connection that counts as here in one space. */
export interface PresenceHandle {
  setState(state: JsonObject): void
  /** It may be back soon: its being stays for the grace. */
  leave(): void
  /** It may not be here any more. */
  remove(): void
}

/** The roster of a space that is followed here. */
export interface RosterHandle {
  /** Resolves when the roster is known, or after a while. */
  ready(): Promise<void>
  /** What newcomers are told, themselves included. */
  answerPart(newcomers: readonly BeingId[]): RosterAnswer
  /** Nobody else may be here any more, nor those who left a moment ago. */
  retainOnly(mayRead: (being: BeingId) => boolean): void
  hintReceived(message: PresenceMessage): void
  unwatch(): void
}

export interface Presence {
  /** A connection counts as here. One that left within the grace goes on where it was. */
  join(space: SpaceId, being: BeingId, connection: ConnectionId): PresenceHandle
  /** A space is followed: `tell` takes frames for all its followers. */
  watch(space: SpaceId, tell: (frame: Uint8Array) => void): RosterHandle
  /** They may not be here any more, in whatever space, nor if they left a moment ago. */
  removeBeings(beings: ReadonlySet<BeingId>): void
  gatewayBeatReceived(message: Uint8Array): void
  channelJoined(space: SpaceId): void
  busLost(): void
  busRecovered(): void
  /** The clients are asked to come back elsewhere after this long, and should not seem to leave meanwhile. */
  extendGrace(ms: number): void
  /** Resolves when nobody is here through this gateway any more. */
  whenEmpty(): Promise<void>
  stop(): Promise<void>
}
