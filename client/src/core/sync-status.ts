/**
 * What a person is told about the connection: a word, since when, why, what comes next and when, and what one can do.
 * Derived from the machine's state and nothing else, so that it cannot say anything that is not so. `status-table.ts`
 * says what one can read and write in each.
 */
import type { Moment } from '@rhizom/machine'
import { CLOSE_CODE, NO_CLOSE_FRAME } from '@rhizom/protocol'
import { needsSignIn } from './connection.ts'
import type { ConnectionState, DisconnectCause } from './connection-state.ts'
import type { SpaceState } from './space-state.ts'
import type { TransportName } from './transport.ts'

/**
 * What a person can do; `retry` and `check-network` only make sooner what is tried anyway, but for `error`.
 * `tell-operator`: nothing here, only whoever runs the server can.
 */
export type Remedy = 'retry' | 'check-network' | 'sign-in' | 'reload' | 'tell-operator'

interface Told {
  /** Since when; undefined where nothing was asked for yet. Times are milliseconds since 1970. */
  sinceMs: number | undefined
  /** Why, in a sentence; undefined where there is nothing to explain. */
  reason: string | undefined
  /** What comes by itself: an attempt, under way or at `nextAttemptAtMs`; a look for a better way; nothing. */
  next: 'attempt' | 'better-way' | 'nothing'
  nextAttemptAtMs: number | undefined
  /** Attempts that failed, in a row. */
  attempt: number
  remedy: Remedy | undefined
  /** Mutations that are not answered yet. */
  pendingCount: number
}

/** Changes arrive as they are made. `connectionId` names the connection in the gateway's logs. */
export interface LiveStatus extends Told {
  status: 'live'
  connectionId: string
  transport: 'websocket' | 'sse'
}

/**
 * `connecting`: an attempt is under way, or the first ones failed. `polling`: no gateway can be reached, and changes
 * are asked for every few seconds. `offline`: this device has no network, or the server has not been reached for a
 * while.
 */
export interface UnsteadyStatus extends Told {
  status: 'connecting' | 'polling' | 'offline'
}

/** Trying again unchanged cannot help; `remedy` is what can. */
export interface ErrorStatus extends Told {
  status: 'error'
  remedy: Exclude<Remedy, 'check-network'>
}

export type SyncStatus = LiveStatus | UnsteadyStatus | ErrorStatus

/** After so many failures in a row it is not a matter of moments any more. */
export const OFFLINE_AFTER = 3

const calm = { reason: undefined, next: 'nothing', nextAttemptAtMs: undefined, attempt: 0, remedy: undefined } as const

/** The status that belongs to a state of the connection; its times are still those of the machine. */
export function syncStatusOf(
  state: ConnectionState,
  transport: TransportName,
  online: boolean,
  pendingCount = 0,
): SyncStatus {
  switch (state.status) {
    case 'idle':
      return { ...calm, status: 'connecting', sinceMs: undefined, pendingCount }
    case 'connecting':
    case 'authenticating':
    case 'renewing':
    case 'waiting': {
      const { attempt, downSinceMs, cause } = state
      const nextAttemptAtMs = state.status === 'waiting' ? state.retryAtMs : undefined
      return {
        status: online && attempt < OFFLINE_AFTER ? 'connecting' : 'offline',
        sinceMs: downSinceMs,
        reason: online ? cause && describeCause(cause) : 'This device has no network.',
        next: 'attempt',
        nextAttemptAtMs,
        attempt,
        remedy: !online ? 'check-network' : nextAttemptAtMs === undefined ? undefined : 'retry',
        pendingCount,
      }
    }
    case 'live':
    case 'draining': {
      const { sinceMs, connectionId } = state
      if (transport !== 'polling') return { ...calm, status: 'live', sinceMs, connectionId, transport, pendingCount }
      const reason = 'No gateway can be reached; changes are asked for every few seconds.'
      return { ...calm, status: 'polling', sinceMs, reason, next: 'better-way', pendingCount }
    }
    case 'stopped': {
      const { sinceMs, cause } = state
      return { ...calm, status: 'error', sinceMs, reason: describeCause(cause), remedy: remedyOf(cause), pendingCount }
    }
    default:
      return state satisfies never
  }
}

/** That of one space, which is at most as good as that of the connection. Of machine times, as that is. */
export function spaceStatusOf(all: SyncStatus, { subscription }: SpaceState, pendingCount: number): SyncStatus {
  const isOpen = all.status === 'live' || all.status === 'polling'
  switch (subscription.status) {
    case 'closed':
      return {
        ...calm,
        status: 'error',
        sinceMs: undefined,
        reason: subscription.message,
        remedy: 'retry',
        pendingCount,
      }
    case 'paused':
    case 'asking':
      return isOpen
        ? { ...calm, status: 'connecting', sinceMs: all.sinceMs, next: 'attempt', pendingCount }
        : { ...all, pendingCount }
    case 'retrying': {
      if (!isOpen) return { ...all, pendingCount }
      const { attempt, reason, retryAtMs: nextAttemptAtMs } = subscription
      const { sinceMs } = all
      return {
        status: 'connecting',
        sinceMs,
        reason,
        next: 'attempt',
        nextAttemptAtMs,
        attempt,
        remedy: 'retry',
        pendingCount,
      }
    }
    case 'current':
      return { ...all, pendingCount }
    default:
      return subscription satisfies never
  }
}

/** The status with its times as milliseconds since 1970, as they are shown. */
export function dated(status: SyncStatus, { nowMs, dateMs }: Pick<Moment, 'nowMs' | 'dateMs'>): SyncStatus {
  const dateOf = (atMs: number | undefined): number | undefined => atMs && Math.round(dateMs + atMs - nowMs)
  return { ...status, sinceMs: dateOf(status.sinceMs), nextAttemptAtMs: dateOf(status.nextAttemptAtMs) }
}

function remedyOf(cause: DisconnectCause): ErrorStatus['remedy'] {
  if (needsSignIn(cause)) return 'sign-in'
  return (cause.kind === 'closed' && CLOSE_REMEDIES[cause.code]) || 'retry'
}

const CLOSE_REMEDIES: Readonly<Record<number, ErrorStatus['remedy']>> = {
  [CLOSE_CODE.unsupportedVersion]: 'reload',
  [CLOSE_CODE.originNotAllowed]: 'tell-operator',
}

/** A cause in words for a person. */
export function describeCause(cause: DisconnectCause): string {
  switch (cause.kind) {
    case 'closed':
      return (
        CLOSE_WORDS[cause.code] ??
        `The gateway closed the connection (${cause.code}${cause.reason === '' ? '' : `: ${cause.reason}`}).`
      )
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

const CLOSE_WORDS: Readonly<Record<number, string>> = {
  [CLOSE_CODE.draining]: 'The gateway restarted.',
  [CLOSE_CODE.helloTimedOut]: 'Signing in to the gateway took too long.',
  [CLOSE_CODE.tooSlow]: 'This connection could not keep up; it will catch up from where it was.',
  [CLOSE_CODE.tokenExpired]: 'The session has to be renewed.',
  [CLOSE_CODE.overloaded]: 'The gateway is overloaded.',
  [CLOSE_CODE.notAuthenticated]:
    'The gateway does not accept this session any more: it is not valid, or whose it was is removed.',
  [CLOSE_CODE.unsupportedVersion]: 'This page is too old for the server.',
  [CLOSE_CODE.originNotAllowed]: 'The gateway does not serve pages from this address; whoever runs it can allow that.',
  [CLOSE_CODE.tooMany]: 'The gateway refused this client: too large or too many.',
  [NO_CLOSE_FRAME]: 'The connection to the gateway was lost.',
}
