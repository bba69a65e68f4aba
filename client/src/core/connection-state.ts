/**
 * What the machine of `connection.ts` can be, what can happen to it, and what it asks for. Types only.
 */
import type { TimePassed } from '@rhizom/machine'

/** Why there is no connection. `sync-status.ts` puts it into words. */
export type DisconnectCause =
  | { kind: 'closed'; code: number; reason: string }
  /** The socket never opened: nobody is there, or something between. */
  | { kind: 'unreachable' }
  | { kind: 'drained'; reason: string }
  | { kind: 'silent' }
  | { kind: 'timedOut'; during: 'connecting' | 'authenticating' | 'renewing' }
  | { kind: 'tokenUnavailable'; message: string }
  | { kind: 'sessionEnded'; message: string }

/**
 * `attempt` counts failures in a row; `downSinceMs` is when the last connection was lost or first wanted. Times are
 * those of the clock that never goes back.
 */
export type ConnectionState =
  | { status: 'idle' }
  | {
      status: 'connecting'
      attempt: number
      downSinceMs: number
      cause: DisconnectCause | undefined
      givesUpAtMs: number
    }
  | {
      status: 'authenticating'
      attempt: number
      downSinceMs: number
      cause: DisconnectCause | undefined
      givesUpAtMs: number
      notBeforeMs: number
    }
  | {
      status: 'live'
      connectionId: string
      sinceMs: number
      attempt: number
      heartbeatMs: number
      deadAtMs: number
      notBeforeMs: number
    }
  | {
      status: 'draining'
      connectionId: string
      sinceMs: number
      attempt: number
      heartbeatMs: number
      deadAtMs: number
      notBeforeMs: number
      reason: string
    }
  | {
      status: 'waiting'
      attempt: number
      downSinceMs: number
      cause: DisconnectCause
      retryAtMs: number
      /** What the server asked for: nothing, not even a person, makes the client come sooner. */
      notBeforeMs: number
      token: 'held' | 'needed'
    }
  | { status: 'renewing'; attempt: number; downSinceMs: number; cause: DisconnectCause; givesUpAtMs: number }
  | { status: 'stopped'; sinceMs: number; cause: DisconnectCause }

export type ConnectionEvent =
  | { type: 'connectRequested' }
  | { type: 'disconnectRequested' }
  | { type: 'retryRequested' }
  | { type: 'socketOpened' }
  | { type: 'socketClosed'; code: number; reason: string }
  | { type: 'frameReceived' }
  | { type: 'welcomed'; connectionId: string; heartbeatMs: number }
  | { type: 'goodbyeReceived'; reason: string; reconnectAfterMs: number }
  | { type: 'delayRequested'; retryAfterMs: number }
  /** Another connection has taken the place of this one (`handover.ts`). */
  | { type: 'handedOver'; connectionId: string; heartbeatMs: number }
  | { type: 'tokenRenewed' }
  | { type: 'tokenRenewalFailed'; message: string; retryAfterMs: number }
  | { type: 'tokenRefused'; message: string }
  /** The token has run out and no other is given: whatever is under way, only signing in helps. */
  | { type: 'sessionExpired'; message: string }
  | { type: 'networkFound' }
  | { type: 'networkLost' }
  | { type: 'pageShown' }
  | TimePassed

export type ConnectionEffect =
  | { type: 'openSocket' }
  | { type: 'closeSocket' }
  | { type: 'sendHello' }
  | { type: 'sendRefresh' }
  | { type: 'sendPing' }
  | { type: 'renewToken' }
  /** The connection is live: every owner says again what it wants. */
  | { type: 'announceLive' }

/** The state with that status. */
export type InState<S extends ConnectionState['status']> = Extract<ConnectionState, { status: S }>
