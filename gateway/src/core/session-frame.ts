/** What a client that said hello may ask, frame by frame. */
import { type ClientFrame, jsonBytes, type SpaceId } from '@rhizom/protocol'
import { errorFrame, type Outcome, stay } from './session-end.ts'
import type { DrainingSession, LiveSession, SessionSettings } from './session-state.ts'

type Asked = Exclude<ClientFrame, { type: 'hello' }>
type Known = LiveSession | DrainingSession

/** How long after its close a draining connection's client may ask again, at the soonest. */
const DRAINED_RETRY_MS = 1000

export function serveLive(state: LiveSession, frame: Asked, settings: SessionSettings): Outcome {
  if (frame.type === 'subscribe') return subscribe(state, frame, settings)
  if (frame.type === 'refresh')
    return { state, effects: [{ type: 'verifyToken', purpose: 'refresh', token: frame.token }] }
  return serveKnown(state, frame, settings)
}

/** A draining connection ends what is under way and begins nothing. */
export function serveDraining(
  state: DrainingSession,
  frame: ClientFrame,
  now: number,
  settings: SessionSettings,
): Outcome {
  const retryAfterMs = Math.max(0, state.closeAt - now) + DRAINED_RETRY_MS
  switch (frame.type) {
    case 'hello':
    case 'refresh':
      return { state, effects: [errorFrame('unavailable', { retryAfterMs })] }
    case 'subscribe':
      return { state, effects: [errorFrame('unavailable', { space: frame.space, retryAfterMs })] }
    default:
      return serveKnown(state, frame, settings)
  }
}

function subscribe(
  state: LiveSession,
  frame: Extract<ClientFrame, { type: 'subscribe' }>,
  settings: SessionSettings,
): Outcome {
  const { space, epoch, after, present } = frame
  if (!state.subscriptions.has(space) && state.subscriptions.size >= settings.maxSubscriptions)
    return { state, effects: [errorFrame('too-many', { space })] }
  const position = epoch === undefined || after === undefined ? undefined : { epoch, version: after }
  return {
    state: { ...state, subscriptions: new Map(state.subscriptions).set(space, 'waiting') },
    effects: [{ type: 'watch', space, being: state.being, position, present }],
  }
}

function serveKnown(
  state: Known,
  frame: Exclude<Asked, { type: 'subscribe' | 'refresh' }>,
  settings: SessionSettings,
): Outcome {
  switch (frame.type) {
    case 'unsubscribe':
      return unsubscribe(state, frame.space)
    case 'presence': {
      const { space, state: presence } = frame
      if (jsonBytes(presence) > settings.maxStateBytes) return complain(state, 'too-large', space)
      if (state.being === undefined || !isFollowing(state, space)) return complain(state, 'not-subscribed', space)
      return { state, effects: [{ type: 'setPresence', space, being: state.being, state: presence }] }
    }
    case 'signal': {
      const { space, name, data } = frame
      if (jsonBytes(data ?? {}) > settings.maxSignalBytes) return complain(state, 'too-large', space)
      if (state.being === undefined || !isFollowing(state, space)) return complain(state, 'not-subscribed', space)
      return { state, effects: [{ type: 'publishSignal', space, being: state.being, name, data }] }
    }
    case 'ping':
      return { state, effects: [{ type: 'sendFrame', frame: { type: 'pong' } }] }
    default:
      frame satisfies never
      return stay(state)
  }
}

/** A subscription without an answer is not known to be allowed yet. */
const isFollowing = (state: Known, space: SpaceId): boolean => state.subscriptions.get(space) === 'live'

const complain = (state: Known, code: 'too-large' | 'not-subscribed', space: SpaceId): Outcome => ({
  state,
  effects: [errorFrame(code, { space })],
})

function unsubscribe(state: Known, space: SpaceId): Outcome {
  if (!state.subscriptions.has(space)) return stay(state)
  const subscriptions = new Map(state.subscriptions)
  subscriptions.delete(space)
  return { state: { ...state, subscriptions }, effects: [{ type: 'unwatch', space }] }
}
