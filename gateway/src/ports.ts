/**
 * The edges of a gateway: everything that is not its own decision comes in through one of these. `main.ts` gives the
 * real ones (uWebSockets.js, Redis, HTTP, the clock); a simulation gives its own.
 */
import type { BeingId, Heads, Position, SpaceId } from '@rhizom/protocol'
import type { LogAnswer, ReadRequest } from './core/feed-state.ts'
import type { SendOutcome } from './core/send-budget.ts'

export type Cancel = () => void

export interface Clock {
  now(): number
  /** Runs once, not before `ms` have passed. */
  after(ms: number, run: () => void): Cancel
}

/** In [0, 1). */
export type Random = () => number

/** One client, whatever carries it. After `close` it is not touched again. */
export interface ClientSocket {
  send(message: string | Uint8Array): SendOutcome
  unsentBytes(): number
  close(code: number, reason: string): void
}

/** What a transport tells the gateway of one client. */
export interface ClientHandlers {
  textReceived(text: string): void
  binaryReceived(): void
  drained(): void
  closed(): void
}

export interface BusListener {
  /** The bus confirmed that the channel of a space is joined; what is published from now on arrives. */
  joined(space: SpaceId): void
  message(space: SpaceId, message: Uint8Array): void
  heads(heads: Heads): void
  /** Nothing arrives any more; every channel has to be joined anew. */
  lost(): void
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

/** The api's internal part. Never rejects. */
export interface LogReader {
  read(space: SpaceId, request: ReadRequest): Promise<ReadOutcome>
  heads(spaces: readonly SpaceId[]): Promise<HeadsOutcome>
}

export type TokenOutcome =
  | { ok: true; being: BeingId; expiresAt: number }
  | { ok: false; reason: 'invalid' | 'expired' }

/** Never rejects. */
export type VerifyToken = (token: string) => Promise<TokenOutcome>

/** The little of a logger that a gateway needs; pino is one. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
