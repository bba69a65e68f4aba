/**
 * One connection: who it is, what it watches, how long it may stay. States and picture are in state.ts; what a
 * client says is let in and read by lines.ts, what a live one asks is served by frames.ts. Feeds answer
 * subscriptions, the shell moves bytes.
 */
import { type Machine, type Moment, stay, type TimePassed } from '@rhizom/machine'
import { type ClientFrame, type HelloFrame, PROTOCOL_VERSION, UNSUBSCRIBED } from '@rhizom/protocol'
import { closeConnection, errorFrame, socketClosed } from './end.ts'
import { serveDraining, serveLive, subscriptionAnswered, workAnnounced } from './frames.ts'
import { lineCost } from './line-cost.ts'
import { charge, countFrame, malformed, readHello, readLine } from './lines.ts'
import {
  AT_REST,
  type Authenticating,
  type AwaitingHello,
  type DrainingConnection,
  type Inbound,
  type LiveConnection,
  type OpenConnection,
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionLimits,
  type ConnectionState,
  type ConnectionStep,
  type SubscriptionEvent,
  type TokenRefusal,
} from './state.ts'
import { isWatching, letGo, WATCHING_NOTHING } from './watching.ts'

export const openConnection = (id: string, nowMs: number, limits: ConnectionLimits): ConnectionState => ({
  status: 'awaiting-hello',
  id,
  inbound: AT_REST,
  helloByMs: nowMs + limits.helloTimeoutMs,
})

export function stepConnection(
  state: ConnectionState,
  event: ConnectionEvent | TimePassed,
  at: Moment,
  limits: ConnectionLimits,
): ConnectionStep {
  if (state.status === 'closed') return stay(state)
  switch (event.type) {
    case 'lineReceived':
      return lineReceived(state, event, at, limits)
    case 'binaryReceived':
      return charge(state, 1, at, limits, (admitted) => malformed(admitted, 'a binary message', limits))
    case 'controlReceived':
      return charge(state, 1, at, limits, (admitted) => ({ state: admitted, effects: [countFrame('control')] }))
    case 'tokenVerified':
      return tokenVerified(state, event, at, limits)
    case 'tokenRefused':
      return tokenRefused(state, event.reason)
    case 'subscriptionAnswered':
    case 'subscriptionRefused':
    case 'subscriptionEnded':
      return subscriptionChanged(state, event)
    case 'beingRevoked':
      return putOut(state, REMOVED)
    case 'sessionEnded':
      return putOut(state, SESSION_ENDED)
    case 'workAnnounced':
      return state.status === 'live' ? workAnnounced(state) : stay(state)
    case 'newsLearned':
      return state.status === 'live' ? { state, effects: [{ type: 'sendFrame', frame: event.frame }] } : stay(state)
    case 'fellBehind':
      return closeConnection(state, 'tooSlow')
    case 'overloaded':
      return closeConnection(state, 'overloaded')
    case 'drainStarted':
      return drainStarted(state, event, at)
    case 'socketClosed':
      return socketClosed(state)
    case 'timePassed':
      return timePassed(state, at, limits)
    default:
      event satisfies never
      return stay(state)
  }
}

/** What is over a size limit is not read, and what is over the rate neither. */
function lineReceived(
  state: OpenConnection,
  { line, bytes }: Extract<ConnectionEvent, { type: 'lineReceived' }>,
  at: Moment,
  limits: ConnectionLimits,
): ConnectionStep {
  if (bytes > (state.status === 'awaiting-hello' ? limits.maxHelloBytes : limits.maxFrameBytes)) return tooLarge(state)
  const pass = (admitted: OpenConnection): ConnectionStep => {
    switch (admitted.status) {
      case 'awaiting-hello':
        return readHello(admitted, line, limits, helloReceived, unauthenticated)
      case 'authenticating':
        return hold(admitted, line, bytes, limits)
      case 'live':
      case 'draining':
        return readLine(admitted, line, limits, (known, frame) => serve(known, frame, at, limits))
      default:
        admitted satisfies never
        return stay(admitted)
    }
  }
  return charge(state, lineCost(bytes), at, limits, pass, line)
}

const tooLarge = (state: OpenConnection): ConnectionStep => closeConnection(state, 'tooMany', [errorFrame('too-large')])

function hold(state: Authenticating, line: string, bytes: number, limits: ConnectionLimits): ConnectionStep {
  const heldBytes = state.heldBytes + bytes
  return heldBytes > limits.maxFrameBytes ? tooLarge(state) : stay({ ...state, held: [...state.held, line], heldBytes })
}

function serve(
  state: LiveConnection | DrainingConnection,
  frame: ClientFrame,
  at: Moment,
  limits: ConnectionLimits,
): ConnectionStep {
  if (state.status === 'draining') return serveDraining(state, frame, at, limits)
  return frame.type === 'hello' ? unauthenticated(state) : serveLive(state, frame, limits)
}

const unauthenticated = (state: OpenConnection): ConnectionStep =>
  closeConnection(state, 'notAuthenticated', [errorFrame('not-authenticated')])

function helloReceived(state: AwaitingHello, frame: HelloFrame): ConnectionStep {
  if (frame.protocol !== PROTOCOL_VERSION) return closeConnection(state, 'unsupportedVersion')
  const next: Authenticating = { ...state, status: 'authenticating', held: [], heldBytes: 0 }
  return { state: next, effects: [{ type: 'verifyToken', purpose: 'hello', token: frame.token }] }
}

function tokenVerified(
  state: OpenConnection,
  event: Extract<ConnectionEvent, { type: 'tokenVerified' }>,
  at: Moment,
  limits: ConnectionLimits,
): ConnectionStep {
  if (event.expiresAt <= at.dateMs) return tokenRefused(state, 'expired')
  if (event.purpose === 'refresh') {
    if (state.status !== 'live') return stay(state)
    if (event.being !== state.being) return unauthenticated(state)
    if (event.expiresAt <= state.expiresAt) return stay(state)
    return stay({ ...state, expiresAt: event.expiresAt, expiresAtMs: expiryMs(event.expiresAt, at) })
  }
  if (state.status !== 'authenticating') return stay(state)
  const { id, inbound, held } = state
  const { being } = event
  const { heartbeatMs } = limits
  // Spread, so that clients that came together are not served together.
  const heartbeatAtMs = at.nowMs + Math.ceil(heartbeatMs * (1 - at.random / 2))
  const { expiresAt } = event
  // Field by field: an object that others are spread into takes more room, and there is one for each connection.
  const live: LiveConnection = {
    status: 'live',
    id,
    inbound,
    being,
    expiresAt,
    expiresAtMs: expiryMs(expiresAt, at),
    heartbeatAtMs,
    following: WATCHING_NOTHING.following,
    waiting: WATCHING_NOTHING.waiting,
    awaitsWork: false,
  }
  const effects: ConnectionEffect[] = [
    { type: 'sendFrame', frame: { type: 'welcome', session: id, being, heartbeatMs } },
  ]
  let next: ConnectionState = live
  for (const line of held) {
    if (next.status !== 'live') break
    const served: ConnectionStep = readLine(next, line, limits, (known, frame) => serve(known, frame, at, limits))
    next = served.state
    effects.push(...served.effects)
  }
  return { state: next, effects }
}

/** A token ends at a date; the connection waits by a clock that nobody sets. */
const expiryMs = (expiresAt: number, at: Moment): number => at.nowMs + expiresAt - at.dateMs

function tokenRefused(state: OpenConnection, reason: TokenRefusal): ConnectionStep {
  if (state.status === 'awaiting-hello' || state.status === 'draining') return stay(state)
  switch (reason) {
    case 'expired':
      return closeConnection(state, 'tokenExpired')
    case 'invalid':
      return unauthenticated(state)
    case 'revoked':
      return noLonger(state, REMOVED)
    case 'ended':
      return noLonger(state, SESSION_ENDED)
    case 'crowded':
      return closeConnection(state, 'overloaded', [errorFrame('too-many', { message: CROWDED })])
    case 'overloaded':
      return closeConnection(state, 'overloaded', [errorFrame('unavailable', { retryAfterMs: OVERLOADED_RETRY_MS })])
    default:
      reason satisfies never
      return stay(state)
  }
}

/** When whoever was refused because too many came may come again, at the soonest. */
const OVERLOADED_RETRY_MS = 1000
const REMOVED = 'Who this was is removed'
const CROWDED = 'Over the number of connections that one may have'
const SESSION_ENDED = 'This session was ended'

const noLonger = (state: OpenConnection, message: string): ConnectionStep =>
  closeConnection(state, 'notAuthenticated', [errorFrame('not-authenticated', { message })])

/** Before its token was verified nobody knows whose connection it is: then that is asked. */
const putOut = (state: OpenConnection, message: string): ConnectionStep =>
  'being' in state && state.being !== undefined ? noLonger(state, message) : stay(state)

function subscriptionChanged(state: OpenConnection, event: SubscriptionEvent): ConnectionStep {
  if (state.status !== 'live' && state.status !== 'draining') return stay(state)
  const { space } = event
  if (!isWatching(state, space)) return stay(state)
  if (event.type === 'subscriptionAnswered') return subscriptionAnswered(state, space)
  const next: OpenConnection = letGo(state, space)
  if (event.type === 'subscriptionRefused') {
    const { code, ...again } = event.refusal
    return { state: next, effects: [errorFrame(code, { space, ...again })] }
  }
  const frame = { type: 'unsubscribed', space, code: event.code, message: UNSUBSCRIBED[event.code] } as const
  return { state: next, effects: [{ type: 'sendFrame', frame }] }
}

function drainStarted(
  state: OpenConnection,
  { reconnectAfterMs, closeAfterMs }: Extract<ConnectionEvent, { type: 'drainStarted' }>,
  at: Moment,
): ConnectionStep {
  if (state.status === 'draining') return stay(state)
  const { id, inbound } = state
  const being = state.status === 'live' ? state.being : undefined
  const { following, waiting } = state.status === 'live' ? state : WATCHING_NOTHING
  const closeAtMs = at.nowMs + closeAfterMs
  return {
    state: { status: 'draining', id, inbound, being, following, waiting, closeAtMs },
    effects: [{ type: 'sendFrame', frame: { type: 'goodbye', reason: 'draining', reconnectAfterMs } }],
  }
}

function timePassed(state: OpenConnection, at: Moment, limits: ConnectionLimits): ConnectionStep {
  switch (state.status) {
    case 'awaiting-hello':
    case 'authenticating':
      return state.helloByMs <= at.nowMs ? closeConnection(state, 'helloTimedOut') : stay(state)
    case 'live': {
      if (state.expiresAtMs <= at.nowMs) return closeConnection(state, 'tokenExpired')
      if (state.heartbeatAtMs > at.nowMs) return stay(state)
      const { following: spaces } = state
      const inbound = rested(state.inbound, at.nowMs)
      const next: LiveConnection = { ...state, inbound, heartbeatAtMs: at.nowMs + limits.heartbeatMs }
      return { state: next, effects: [{ type: 'sendHeartbeat', spaces }] }
    }
    case 'draining':
      return state.closeAtMs <= at.nowMs ? closeConnection(state, 'draining') : stay(state)
    default:
      state satisfies never
      return stay(state)
  }
}

/** Whoever has been quiet for long enough is as one who never said anything. */
const rested = (inbound: Inbound, nowMs: number): Inbound =>
  inbound.levelAtMs <= nowMs && inbound.refusedInRow === 0 && inbound.malformedInRow === 0 ? AT_REST : inbound

/** When the connection has to be stepped if nothing happens before. */
export function connectionWakesAtMs(state: ConnectionState): number | undefined {
  switch (state.status) {
    case 'awaiting-hello':
    case 'authenticating':
      return state.helloByMs
    case 'live':
      return Math.min(state.expiresAtMs, state.heartbeatAtMs)
    case 'draining':
      return state.closeAtMs
    case 'closed':
      return undefined
    default:
      return state satisfies never
  }
}

/** The machine of one connection, for its runner. */
export const connectionMachine = (
  limits: ConnectionLimits,
): Machine<ConnectionState, ConnectionEvent, ConnectionEffect> => ({
  step: (state, event, at) => stepConnection(state, event, at, limits),
  wakesAtMs: connectionWakesAtMs,
})
