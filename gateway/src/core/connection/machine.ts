/**
 * One connection: who it is, what it watches, how long it may stay. States and picture are in state.ts; what a
 * client says is let in and read by lines.ts, what a live one asks is served by frames.ts. Feeds answer
 * subscriptions, the shell moves bytes.
 */
import { type ClientFrame, type HelloFrame, PROTOCOL_VERSION } from '@rhizom/protocol'
import { fullBucket, lineCost } from './admission.ts'
import { closeConnection, errorFrame, type Outcome, stay } from './end.ts'
import { serveDraining, serveLive, subscriptionAnswered } from './frames.ts'
import { admit, countFrame, malformed, readHello, readLine } from './lines.ts'
import type {
  Authenticating,
  AwaitingHello,
  DrainingConnection,
  LiveConnection,
  OpenConnection,
  ConnectionEffect,
  ConnectionEvent,
  ConnectionLimits,
  ConnectionState,
  ConnectionStep,
  TokenRefusal,
} from './state.ts'

export const openConnection = (id: string, now: number, settings: ConnectionLimits): ConnectionState => ({
  status: 'awaiting-hello',
  id,
  inbound: { bucket: fullBucket(settings.frames, now), refusedInRow: 0, malformedInRow: 0 },
  helloBy: now + settings.helloTimeoutMs,
})

export function stepConnection(
  state: ConnectionState,
  event: ConnectionEvent,
  now: number,
  settings: ConnectionLimits,
): ConnectionStep {
  if (state.status === 'closed') return { state, effects: [] }
  switch (event.type) {
    case 'lineReceived':
      return lineReceived(state, event, now, settings)
    case 'binaryReceived':
      return admit(state, 1, now, settings, (admitted) => malformed(admitted, 'a binary message', settings))
    case 'controlReceived':
      return admit(state, 1, now, settings, (admitted) => ({ state: admitted, effects: [countFrame('control')] }))
    case 'tokenVerified':
      return tokenVerified(state, event, now, settings)
    case 'tokenRefused':
      return tokenRefused(state, event.reason)
    case 'subscriptionAnswered':
    case 'subscriptionRefused':
    case 'subscriptionEnded':
      return subscriptionChanged(state, event)
    case 'beingRevoked':
      return beingRevoked(state)
    case 'fellBehind':
      return closeConnection(state, 'tooSlow')
    case 'drainStarted':
      return drainStarted(state, event)
    case 'socketClosed': {
      const { state: closed, effects } = closeConnection(state, 'draining')
      return { state: closed, effects: effects.filter((effect) => effect.type === 'unwatch') }
    }
    case 'ticked':
      return ticked(state, now, settings)
    default:
      event satisfies never
      return stay(state)
  }
}

/** What is over a size limit is not read, and what is over the rate neither. */
function lineReceived(
  state: OpenConnection,
  { line, bytes }: Extract<ConnectionEvent, { type: 'lineReceived' }>,
  now: number,
  settings: ConnectionLimits,
): Outcome {
  if (bytes > (state.status === 'awaiting-hello' ? settings.maxHelloBytes : settings.maxFrameBytes))
    return tooLarge(state)
  const pass = (admitted: OpenConnection): Outcome => {
    switch (admitted.status) {
      case 'awaiting-hello':
        return readHello(admitted, line, settings, helloReceived, unauthenticated)
      case 'authenticating':
        return hold(admitted, line, bytes, settings)
      case 'live':
      case 'draining':
        return readLine(admitted, line, settings, (known, frame) => serve(known, frame, now, settings))
      default:
        admitted satisfies never
        return stay(admitted)
    }
  }
  return admit(state, lineCost(bytes), now, settings, pass, line)
}

const tooLarge = (state: OpenConnection): Outcome => closeConnection(state, 'tooMany', [errorFrame('too-large')])

function hold(state: Authenticating, line: string, bytes: number, settings: ConnectionLimits): Outcome {
  const heldBytes = state.heldBytes + bytes
  return heldBytes > settings.maxFrameBytes
    ? tooLarge(state)
    : stay({ ...state, held: [...state.held, line], heldBytes })
}

function serve(
  state: LiveConnection | DrainingConnection,
  frame: ClientFrame,
  now: number,
  settings: ConnectionLimits,
): Outcome {
  if (state.status === 'draining') return serveDraining(state, frame, now, settings)
  return frame.type === 'hello' ? unauthenticated(state) : serveLive(state, frame, settings)
}

const unauthenticated = (state: OpenConnection): Outcome =>
  closeConnection(state, 'notAuthenticated', [errorFrame('not-authenticated')])

function helloReceived(state: AwaitingHello, frame: HelloFrame): Outcome {
  if (frame.protocol !== PROTOCOL_VERSION) return closeConnection(state, 'unsupportedVersion')
  const next: Authenticating = { ...state, status: 'authenticating', held: [], heldBytes: 0 }
  return { state: next, effects: [{ type: 'verifyToken', purpose: 'hello', token: frame.token }] }
}

function tokenVerified(
  state: OpenConnection,
  event: Extract<ConnectionEvent, { type: 'tokenVerified' }>,
  now: number,
  settings: ConnectionLimits,
): Outcome {
  if (event.expiresAt <= now) return tokenRefused(state, 'expired')
  if (event.purpose === 'refresh') {
    if (state.status !== 'live') return stay(state)
    if (event.being !== state.being) return unauthenticated(state)
    const expiresAt = Math.max(state.expiresAt, event.expiresAt)
    return stay(expiresAt === state.expiresAt ? state : { ...state, expiresAt })
  }
  if (state.status !== 'authenticating') return stay(state)
  const { id, inbound, held } = state
  const { being, expiresAt } = event
  const { heartbeatMs } = settings
  const heartbeatAt = now + Math.ceil(heartbeatMs * (1 - event.spread / 2))
  const live: LiveConnection = {
    status: 'live',
    id,
    inbound,
    being,
    expiresAt,
    heartbeatAt,
    subscriptions: new Map(),
  }
  const effects: ConnectionEffect[] = [
    { type: 'sendFrame', frame: { type: 'welcome', session: id, being, heartbeatMs } },
  ]
  let next: ConnectionState = live
  for (const line of held) {
    if (next.status !== 'live') break
    const served: Outcome = readLine(next, line, settings, (known, frame) => serve(known, frame, now, settings))
    next = served.state
    effects.push(...served.effects)
  }
  return { state: next, effects }
}

function tokenRefused(state: OpenConnection, reason: TokenRefusal): Outcome {
  if (state.status === 'awaiting-hello' || state.status === 'draining') return stay(state)
  switch (reason) {
    case 'expired':
      return closeConnection(state, 'tokenExpired')
    case 'invalid':
      return unauthenticated(state)
    case 'revoked':
      return revoked(state)
    default:
      reason satisfies never
      return stay(state)
  }
}

const revoked = (state: OpenConnection): Outcome =>
  closeConnection(state, 'notAuthenticated', [errorFrame('not-authenticated', { message: 'Who this was is removed' })])

/** Before its token was verified nobody knows whose connection it is: then that is asked. */
const beingRevoked = (state: OpenConnection): Outcome =>
  'being' in state && state.being !== undefined ? revoked(state) : stay(state)

type SubscriptionEvent = Extract<
  ConnectionEvent,
  { type: 'subscriptionAnswered' | 'subscriptionRefused' | 'subscriptionEnded' }
>

const ENDED = {
  revoked: 'This space may no longer be read',
  removed: 'This space was removed',
} as const

function subscriptionChanged(state: OpenConnection, event: SubscriptionEvent): Outcome {
  if (state.status !== 'live' && state.status !== 'draining') return stay(state)
  const { space } = event
  if (!state.subscriptions.has(space)) return stay(state)
  if (event.type === 'subscriptionAnswered') return subscriptionAnswered(state, space)
  const subscriptions = new Map(state.subscriptions)
  subscriptions.delete(space)
  const next: OpenConnection = { ...state, subscriptions }
  if (event.type === 'subscriptionRefused') {
    const { code, retryAfterMs } = event
    return { state: next, effects: [errorFrame(code, { space, retryAfterMs })] }
  }
  const frame = { type: 'unsubscribed', space, code: event.code, message: ENDED[event.code] } as const
  return { state: next, effects: [{ type: 'sendFrame', frame }] }
}

function drainStarted(state: OpenConnection, event: Extract<ConnectionEvent, { type: 'drainStarted' }>): Outcome {
  if (state.status === 'draining') return stay(state)
  const { id, inbound } = state
  const being = state.status === 'live' ? state.being : undefined
  const subscriptions = state.status === 'live' ? state.subscriptions : new Map()
  const { reconnectAfterMs, closeAt } = event
  return {
    state: { status: 'draining', id, inbound, being, subscriptions, closeAt },
    effects: [{ type: 'sendFrame', frame: { type: 'goodbye', reason: 'draining', reconnectAfterMs } }],
  }
}

function ticked(state: OpenConnection, now: number, settings: ConnectionLimits): Outcome {
  switch (state.status) {
    case 'awaiting-hello':
    case 'authenticating':
      return state.helloBy <= now ? closeConnection(state, 'helloTimedOut') : stay(state)
    case 'live': {
      if (state.expiresAt <= now) return closeConnection(state, 'tokenExpired')
      if (state.heartbeatAt > now) return stay(state)
      const spaces = [...state.subscriptions].flatMap(([space, { status }]) => (status === 'live' ? [space] : []))
      const next: LiveConnection = { ...state, heartbeatAt: now + settings.heartbeatMs }
      return { state: next, effects: [{ type: 'sendHeartbeat', spaces }] }
    }
    case 'draining':
      return state.closeAt <= now ? closeConnection(state, 'draining') : stay(state)
    default:
      state satisfies never
      return stay(state)
  }
}

/** When the connection has to be ticked if nothing happens before. */
export function connectionWakesAtMs(state: ConnectionState): number | undefined {
  switch (state.status) {
    case 'awaiting-hello':
    case 'authenticating':
      return state.helloBy
    case 'live':
      return Math.min(state.expiresAt, state.heartbeatAt)
    case 'draining':
      return state.closeAt
    case 'closed':
      return undefined
    default:
      return state satisfies never
  }
}
