/**
 * The edges of a gateway: everything that is not its own decision comes in through one of these. `lifecycle.ts` gives
 * the real ones (uWebSockets.js, Redis, HTTP, the clock); a simulation gives its own.
 */
import type {
  BeingId,
  BootId,
  GatewayBeat,
  Heads,
  InternalNewsAnswer,
  InternalNewsBody,
  InternalRevokedAnswer,
  Position,
  RevokedIds,
  RevokedCursor,
  SessionId,
  SpaceId,
} from '@rhizom/protocol'
import type { LogAnswer, ReadRequest } from './core/feed/state.ts'
import type { GatewayIdentity } from './core/presence/lease.ts'
import type { PresenceWrite } from './core/presence/local.ts'
import type { PresenceRead } from './core/presence/remote.ts'
import type { SendOutcome } from './core/connection/send-budget.ts'

/** One client, whatever carries it. After `close` it is not touched again. */
export interface ClientSocket {
  send(message: string | Uint8Array): SendOutcome
  unsentBytes(): number
  /** Says why behind what is unsent. */
  close(code: number, reason: string): void
  /** At once, without a word: what is unsent goes with it. */
  cut(): void
}

/** What a transport tells the gateway of one client. */
export interface ClientHandlers {
  textReceived(text: string): void
  binaryReceived(): void
  /** A ping or a pong of the transport itself, which answers pings on its own. */
  controlReceived(): void
  writable(): void
  closed(): void
}

export interface BusListener {
  /** The bus confirmed that the channel of a space is joined; what is published from now on arrives. */
  joined(space: SpaceId): void
  message(space: SpaceId, message: Uint8Array): void
  heads(heads: Heads): void
  /** Beings that were removed lately, and sessions that were ended. */
  revoked(revoked: RevokedIds): void
  /** Beings that have something to claim. */
  work(beings: readonly BeingId[]): void
  /** To whom which space became another one than it was. */
  news(spaces: Readonly<Record<SpaceId, readonly BeingId[]>>): void
  /** What another gateway says of its presence. */
  gatewayBeat(message: Uint8Array): void
  /** Nothing arrives any more; every channel has to be joined anew. */
  lost(): void
  /** The connection lives, and nothing of the api arrives. */
  deaf(): void
  /** Every wanted channel is joined again. */
  recovered(): void
}

export interface Bus {
  start(listener: BusListener): void
  isUp(): boolean
  join(space: SpaceId): void
  leave(space: SpaceId): void
  /** Joins a joined channel once more, because something suggests that it is not. */
  rejoin(space: SpaceId): void
  /** A hint that may be lost. */
  publish(space: SpaceId, message: Uint8Array): void
  /** The api answered a question asked another way. */
  apiAnswered(): void
  answers(): Promise<boolean>
  stop(): Promise<void>
}

export type ReadOutcome =
  | { type: 'answered'; answer: LogAnswer }
  | { type: 'missing' }
  | { type: 'failed'; problem: string; retryAfterMs: number | undefined }

export type HeadsOutcome =
  | { type: 'answered'; heads: ReadonlyMap<SpaceId, Position> }
  | { type: 'failed'; problem: string }

export type RevokedOutcome = ({ type: 'answered' } & InternalRevokedAnswer) | { type: 'failed'; problem: string }

export type NewsOutcome = { type: 'answered'; answer: InternalNewsAnswer } | { type: 'failed'; problem: string }

/** The api's internal part. Never rejects. */
export interface ApiClient {
  read(space: SpaceId, request: ReadRequest): Promise<ReadOutcome>
  heads(spaces: readonly SpaceId[]): Promise<HeadsOutcome>
  /** A page of the beings that were removed, and the sessions that were ended, after a place. */
  revoked(cursor: RevokedCursor): Promise<RevokedOutcome>
  /** What is new to beings. */
  news(question: InternalNewsBody): Promise<NewsOutcome>
}

/** Tells the api when beings were last seen. False if it did not take it. Never rejects. */
export type LastSeenReport = (beings: readonly { being: BeingId; at: number }[]) => Promise<boolean>

export interface HeartbeatRequest {
  identity: GatewayIdentity
  /** The date of this gateway. */
  at: number
  isNew: boolean
  ttlMs: number
  /** Until which date others may have yet to say again who is here through them. */
  doubtfulUntil: number | undefined
  /** Gateways whose leases matter. */
  peers: readonly BootId[]
  announce: GatewayBeat | undefined
  /** A space whose entries are counted. */
  countOf: SpaceId | undefined
  /** Spaces whose hashes live on. */
  extendTtlOf: readonly SpaceId[]
}

export interface HeartbeatAnswer {
  /** False if the lease was gone, or if a new one could not be had. */
  renewed: boolean
  /** How long the leases of those peers last that have one. */
  ttlMs: ReadonlyMap<BootId, number>
  /** All gateways that nobody has cleared up after. */
  gateways: readonly BootId[]
  entryCount: number | undefined
}

/** What a gateway that stops takes with it: who was still here through it, by space. */
export interface Leave {
  bootId: BootId
  beings: ReadonlyMap<SpaceId, readonly BeingId[]>
  announce: GatewayBeat
}

export interface StoreListener {
  connected(): void
  failed(error: unknown): void
}

/** Presence, shared by all gateways. Rejects while it cannot be reached; commands keep their order. */
export interface PresenceStore {
  /** Begins to connect, and says so each time it is connected, and what keeps it from it. */
  start(listener: StoreListener): void
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer>
  write(writes: readonly PresenceWrite[]): Promise<void>
  /** Of these gateways, one at least, the leases as well. */
  read(space: SpaceId, boots: readonly BootId[]): Promise<PresenceRead>
  removeEntries(space: SpaceId, boot: BootId, beings: readonly BeingId[]): Promise<void>
  /** Some of the spaces in which a gateway has entries. */
  spacesOf(boot: BootId, limit: number): Promise<readonly SpaceId[]>
  /** It has none any more in these. */
  removeSpaces(boot: BootId, spaces: readonly SpaceId[]): Promise<void>
  /** Nothing is left of it. */
  removeGateway(boot: BootId): Promise<void>
  leave(leave: Leave): Promise<void>
  stop(): void
}

export type TokenOutcome =
  /** `session` is undefined in a token that is of none. */
  | { ok: true; being: BeingId; session?: SessionId | undefined; expiresAt: number }
  /** `overloaded`: too many wait for theirs to be verified. */
  | { ok: false; reason: 'invalid' | 'expired' | 'overloaded' }

/** Never rejects. What is not wanted any more when its turn comes is passed over. */
export type VerifyToken = (token: string, isWanted: () => boolean) => Promise<TokenOutcome>

export type { Log } from '@rhizom/process'
