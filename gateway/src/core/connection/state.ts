/**
 * The states, events and effects of the connection machine (machine.ts): one connection, whatever carries it.
 *
 *   awaiting-hello ─ hello ─► authenticating ─ verified ─► live ──┐
 *        │                          │                       │     │ drain
 *        └──────────── drain ───────┴──────── drain ────────┴──► draining
 *        any of them ── timeout · fault · too slow · peer gone ──► closed
 */
import type { Budget, Step } from '@rhizom/machine'
import type {
  BeingId,
  ClientFrame,
  CloseName,
  JsonObject,
  NewsFrame,
  Position,
  ServerFrame,
  SpaceId,
  UnsubscribedCode,
} from '@rhizom/protocol'
import type { SpaceRefusal } from '../space-refusal.ts'

/** What keeps a client from talking too much or too badly. */
export interface Inbound {
  /** When its budget of frames is level again (machine/src/account.ts). */
  levelAtMs: number
  refusedInRow: number
  malformedInRow: number
}

/** Of who has said nothing for a while, which is most: one for all of them. */
export const AT_REST: Inbound = { levelAtMs: Number.NEGATIVE_INFINITY, refusedInRow: 0, malformedInRow: 0 }

/** What a client may send behind a subscribe, before it knows whether it may read the space. */
export type SpokenFrame = Extract<ClientFrame, { type: 'presence' | 'signal' }>

/** Of what was said before a subscription was answered the latest of each name: it is as late as the answer. */
export type HeldFrames = ReadonlyMap<string, SpokenFrame>

/** The spaces that a connection subscribed to (watching.ts). Most have one, so what is not used is shared by all. */
export interface Watching {
  /** Answered. */
  following: readonly SpaceId[]
  /** Not answered yet. */
  waiting: ReadonlyMap<SpaceId, HeldFrames>
}

export interface AwaitingHello {
  status: 'awaiting-hello'
  id: string
  inbound: Inbound
  helloByMs: number
}
export interface Authenticating {
  status: 'authenticating'
  id: string
  inbound: Inbound
  helloByMs: number
  /** Lines that came behind hello, unread: they are served once the token is known to be good. */
  held: readonly string[]
  heldBytes: number
}
export interface LiveConnection extends Watching {
  status: 'live'
  id: string
  inbound: Inbound
  being: BeingId
  /** When the token ends: the date it names, and until when that is by the clock that waits. */
  expiresAt: number
  expiresAtMs: number
  heartbeatAtMs: number
  /** Whether it asked to be told of work. */
  awaitsWork: boolean
}
export interface DrainingConnection extends Watching {
  status: 'draining'
  id: string
  inbound: Inbound
  being: BeingId | undefined
  closeAtMs: number
}
export interface ClosedConnection {
  status: 'closed'
  id: string
}
export type OpenConnection = AwaitingHello | Authenticating | LiveConnection | DrainingConnection
export type ConnectionState = OpenConnection | ClosedConnection

export type ConnectionEvent =
  /** One line of a message, unread. `bytes` is its length in UTF-8. */
  | { type: 'lineReceived'; line: string; bytes: number }
  | { type: 'binaryReceived' }
  /** A ping or a pong of the transport. */
  | { type: 'controlReceived' }
  /** `expiresAt` is a date, in milliseconds since 1970. */
  | { type: 'tokenVerified'; purpose: TokenPurpose; being: BeingId; expiresAt: number }
  | { type: 'tokenRefused'; reason: TokenRefusal }
  | SubscriptionEvent
  /** Who this is was removed: the token is no longer good. */
  | { type: 'beingRevoked' }
  /** The session that the token is of was ended. */
  | { type: 'sessionEnded' }
  /** There may be something to claim for who this is. */
  | { type: 'workAnnounced' }
  /** What is new in the spaces of who this is, for it follows. */
  | { type: 'newsLearned'; frame: NewsFrame }
  | { type: 'fellBehind' }
  /** The gateway holds too much for its clients. */
  | { type: 'overloaded' }
  | { type: 'drainStarted'; reconnectAfterMs: number; closeAfterMs: number }
  | { type: 'socketClosed' }

/** What became of a subscription, as the feed of its space says. */
export type SubscriptionEvent =
  | { type: 'subscriptionAnswered'; space: SpaceId }
  | {
      type: 'subscriptionRefused'
      space: SpaceId
      refusal: SpaceRefusal | { code: 'rate-limited'; retryAfterMs: number }
    }
  | { type: 'subscriptionEnded'; space: SpaceId; code: UnsubscribedCode }

export type TokenPurpose = 'hello' | 'refresh'
export type TokenRefusal = 'invalid' | 'expired' | 'revoked' | 'ended' | 'crowded' | 'overloaded'

export type ReceivedFrame = ClientFrame['type'] | 'malformed' | 'unknown' | 'blank' | 'control' | 'refused'

export type ConnectionEffect =
  | { type: 'sendFrame'; frame: ServerFrame }
  | { type: 'closeSocket'; close: CloseName }
  /** What came, for the metrics. */
  | { type: 'countFrame'; frame: ReceivedFrame }
  | { type: 'verifyToken'; purpose: TokenPurpose; token: string }
  /** Watch, or watch anew from another position. */
  | { type: 'watch'; space: SpaceId; being: BeingId; position: Position | undefined; present: boolean }
  | { type: 'unwatch'; space: SpaceId }
  | { type: 'setPresence'; space: SpaceId; state: JsonObject }
  | { type: 'publishSignal'; space: SpaceId; being: BeingId; name: string; data: JsonObject | undefined }
  /** To be told of work from now on. */
  | { type: 'awaitWork' }
  /** To be told all that is new, now and from now on. */
  | { type: 'followNews'; being: BeingId }
  /** The heads of these are known to the feeds. */
  | { type: 'sendHeartbeat'; spaces: readonly SpaceId[] }

export interface ConnectionLimits {
  helloTimeoutMs: number
  heartbeatMs: number
  frames: Budget
  maxFrameBytes: number
  /** Of a hello, the only frame that is read of a stranger. */
  maxHelloBytes: number
  maxSubscriptions: number
  maxStateBytes: number
  maxSignalBytes: number
  /** Frames refused one after another before the connection is closed. */
  maxRefusedInRow: number
  maxMalformedInRow: number
}

export type ConnectionStep = Step<ConnectionState, ConnectionEffect>
