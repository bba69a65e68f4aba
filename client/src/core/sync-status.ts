/**
 * What a person is told about the connection: a word, since when, why, and what happens next. Derived from the
 * machine's state and nothing else, so that it cannot say anything that is not so.
 */
import type { Moment } from '@rhizom/machine'
import { CLOSE } from '@rhizom/protocol'
import { needsSignIn } from './connection.ts'
import type { DisconnectCause, ConnectionState } from './connection-state.ts'
import type { TransportName } from './transport.ts'

export type SyncStatus =
  /** Changes arrive as they are made. `connectionId` names the connection in the gateway's logs. */
  | {
      status: 'live'
      sinceMs: number
      connectionId: string
      transport: 'websocket' | 'sse'
      reason: string | undefined
    }
  /**
   * Changes are asked for every few seconds, because no gateway can be reached. One reads and writes as ever, sees who
   * is here, and is not here oneself.
   */
  | { status: 'polling'; sinceMs: number; reason: string }
  /** An attempt is under way. `reason` is why the former one ended, if there was one. */
  | { status: 'connecting'; sinceMs: number | undefined; reason: string | undefined; attempt: number }
  /** The next attempt is at `nextAttemptAtMs`. */
  | { status: 'waiting'; sinceMs: number; reason: string; attempt: number; nextAttemptAtMs: number }
  /** As `waiting`, and the browser reports that there is no network. */
  | { status: 'offline'; sinceMs: number; reason: string; attempt: number; nextAttemptAtMs: number }
  /** Trying again unchanged cannot help; `remedy` is what can. */
  | { status: 'error'; sinceMs: number; reason: string; remedy: 'sign-in' | 'reload' | 'retry' }

/** The status that belongs to a state of the connection; its times are still those of the machine. */
export function syncStatusOf(state: ConnectionState, transport: TransportName, online: boolean): SyncStatus {
  switch (state.status) {
    case 'idle':
      return { status: 'connecting', sinceMs: undefined, reason: undefined, attempt: 0 }
    case 'connecting':
    case 'authenticating':
    case 'renewing': {
      const { attempt, downSinceMs, cause } = state
      return { status: 'connecting', sinceMs: downSinceMs, reason: cause && describeCause(cause), attempt }
    }
    case 'live':
    case 'draining': {
      const { sinceMs, connectionId } = state
      return transport === 'polling'
        ? { status: 'polling', sinceMs, reason: 'No gateway can be reached; changes are asked for every few seconds.' }
        : { status: 'live', sinceMs, connectionId, transport, reason: undefined }
    }
    case 'waiting': {
      const { attempt, downSinceMs, cause, retryAtMs } = state
      return {
        status: online ? 'waiting' : 'offline',
        sinceMs: downSinceMs,
        reason: online ? describeCause(cause) : 'This device has no network.',
        attempt,
        nextAttemptAtMs: retryAtMs,
      }
    }
    case 'stopped':
      return {
        status: 'error',
        sinceMs: state.sinceMs,
        reason: describeCause(state.cause),
        remedy: remedyOf(state.cause),
      }
    default:
      return state satisfies never
  }
}

/** The status with its times as milliseconds since 1970, as they are shown. */
export function dated(status: SyncStatus, { nowMs, dateMs }: Pick<Moment, 'nowMs' | 'dateMs'>): SyncStatus {
  const dateOf = (atMs: number): number => Math.round(dateMs + atMs - nowMs)
  switch (status.status) {
    case 'connecting':
      return status.sinceMs === undefined ? status : { ...status, sinceMs: dateOf(status.sinceMs) }
    case 'live':
    case 'polling':
    case 'error':
      return { ...status, sinceMs: dateOf(status.sinceMs) }
    case 'waiting':
    case 'offline':
      return { ...status, sinceMs: dateOf(status.sinceMs), nextAttemptAtMs: dateOf(status.nextAttemptAtMs) }
    default:
      return status satisfies never
  }
}

function remedyOf(cause: DisconnectCause): 'sign-in' | 'reload' | 'retry' {
  if (needsSignIn(cause)) return 'sign-in'
  return cause.kind === 'closed' && cause.code === CLOSE.unsupportedVersion.code ? 'reload' : 'retry'
}

/** A cause in words for a person. */
export function describeCause(cause: DisconnectCause): string {
  switch (cause.kind) {
    case 'closed':
      return describeClose(cause.code, cause.reason)
    case 'unreachable':
      return 'No gateway can be reached.'
    case 'drained':
      return 'The gateway restarted.'
    case 'silent':
      return 'Nothing was heard from the gateway for too long.'
    case 'timedOut':
      return cause.during === 'connecting'
        ? 'The gateway could not be reached in time.'
        : 'There was no answer in time.'
    case 'tokenUnavailable':
      return `The session could not be renewed: ${cause.message}`
    case 'sessionEnded':
      return `The session has ended: ${cause.message}`
    default:
      return cause satisfies never
  }
}

function describeClose(code: number, reason: string): string {
  switch (code) {
    case CLOSE.draining.code:
      return 'The gateway restarted.'
    case CLOSE.helloTimedOut.code:
      return 'Signing in to the gateway took too long.'
    case CLOSE.tooSlow.code:
      return 'This connection could not keep up; it will catch up from where it was.'
    case CLOSE.tokenExpired.code:
      return 'The session has to be renewed.'
    case CLOSE.overloaded.code:
      return 'The gateway is overloaded.'
    case CLOSE.notAuthenticated.code:
      return 'The gateway does not accept this session any more: it is not valid, or whose it was is removed.'
    case CLOSE.unsupportedVersion.code:
      return 'This page is too old for the server.'
    case CLOSE.originNotAllowed.code:
      return 'The gateway does not serve pages from this address.'
    case CLOSE.tooMany.code:
      return 'The gateway refused this client: too large or too many.'
    case 1006:
      return 'The connection to the gateway was lost.'
    default:
      return `The gateway closed the connection (${code}${reason === '' ? '' : `: ${reason}`}).`
  }
}
