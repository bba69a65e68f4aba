/** What a client that said hello may ask, frame by frame. */
import { type Moment, stay } from '@rhizom/machine'
import { type BeingId, type ClientFrame, jsonBytes, type SpaceId } from '@rhizom/protocol'
import { errorFrame } from './end.ts'
import type {
  DrainingConnection,
  LiveConnection,
  ConnectionEffect,
  ConnectionLimits,
  ConnectionStep,
  SpokenFrame,
} from './state.ts'
import { awaiting, followed, isWatching, NOTHING_HELD, letGo } from './watching.ts'

type Asked = Exclude<ClientFrame, { type: 'hello' }>
type Known = LiveConnection | DrainingConnection

/** How long after its close a draining connection's client may ask again, at the soonest. */
const DRAINED_RETRY_MS = 1000
/** Names held for a subscription that is not answered yet. */
const MAX_HELD = 16

export function serveLive(state: LiveConnection, frame: Asked, limits: ConnectionLimits): ConnectionStep {
  if (frame.type === 'subscribe') return subscribe(state, frame, limits)
  if (frame.type === 'refresh')
    return { state, effects: [{ type: 'verifyToken', purpose: 'refresh', token: frame.token }] }
  if (frame.type === 'work')
    // Told at once as well: what there was before it asked is nothing new to anybody.
    return { state: { ...state, awaitsWork: true }, effects: [{ type: 'awaitWork' }, WORK] }
  if (frame.type === 'follow') return { state, effects: [{ type: 'followNews', being: state.being }] }
  return serveKnown(state, frame, limits)
}

const WORK: ConnectionEffect = { type: 'sendFrame', frame: { type: 'work' } }

/** Whoever asked is told. */
export const workAnnounced = (state: LiveConnection): ConnectionStep => ({
  state,
  effects: state.awaitsWork ? [WORK] : [],
})

/** A draining connection ends what is under way and begins nothing. */
export function serveDraining(
  state: DrainingConnection,
  frame: ClientFrame,
  at: Moment,
  limits: ConnectionLimits,
): ConnectionStep {
  const retryAfterMs = Math.max(0, state.closeAtMs - at.nowMs) + DRAINED_RETRY_MS
  switch (frame.type) {
    case 'hello':
    case 'refresh':
      return { state, effects: [errorFrame('unavailable', { retryAfterMs })] }
    case 'subscribe':
      return { state, effects: [errorFrame('unavailable', { space: frame.space, retryAfterMs })] }
    case 'work':
    case 'follow':
      return stay(state)
    default:
      return serveKnown(state, frame, limits)
  }
}

function subscribe(
  state: LiveConnection,
  frame: Extract<ClientFrame, { type: 'subscribe' }>,
  limits: ConnectionLimits,
): ConnectionStep {
  const { space, epoch, after, present } = frame
  const count = state.following.length + state.waiting.size
  if (count >= limits.maxSubscriptions && !isWatching(state, space))
    return { state, effects: [errorFrame('too-many', { space })] }
  const position = epoch === undefined || after === undefined ? undefined : { epoch, version: after }
  return {
    state: awaiting(state, space, NOTHING_HELD),
    effects: [{ type: 'watch', space, being: state.being, position, present }],
  }
}

function serveKnown(
  state: Known,
  frame: Exclude<Asked, { type: 'subscribe' | 'refresh' | 'work' | 'follow' }>,
  limits: ConnectionLimits,
): ConnectionStep {
  switch (frame.type) {
    case 'unsubscribe':
      return unsubscribe(state, frame.space)
    case 'presence':
      return jsonBytes(frame.state) > limits.maxStateBytes
        ? complain(state, 'too-large', frame.space)
        : speak(state, frame)
    case 'signal':
      return jsonBytes(frame.data ?? {}) > limits.maxSignalBytes
        ? complain(state, 'too-large', frame.space)
        : speak(state, frame)
    case 'ping':
      return { state, effects: [{ type: 'sendFrame', frame: { type: 'pong' } }] }
    default:
      frame satisfies never
      return stay(state)
  }
}

/** A subscription without an answer is not known to be allowed yet: what is said to its space waits for the answer. */
function speak(state: Known, frame: SpokenFrame): ConnectionStep {
  const { space } = frame
  if (state.being === undefined || !isWatching(state, space)) return complain(state, 'not-subscribed', space)
  const held = state.waiting.get(space)
  if (held === undefined) return { state, effects: [spoken(state.being, frame)] }
  const name = frame.type === 'signal' ? `signal ${frame.name}` : frame.type
  if (!held.has(name) && held.size >= MAX_HELD) return complain(state, 'too-many', space)
  return stay(awaiting(state, space, new Map(held).set(name, frame)))
}

const spoken = (being: BeingId, frame: SpokenFrame): ConnectionEffect =>
  frame.type === 'presence'
    ? { type: 'setPresence', space: frame.space, state: frame.state }
    : { type: 'publishSignal', space: frame.space, being, name: frame.name, data: frame.data }

/** The answer was sent: what was held goes on. */
export function subscriptionAnswered(state: Known, space: SpaceId): ConnectionStep {
  const held = state.waiting.get(space)
  const { being } = state
  if (being === undefined || held === undefined) return stay(state)
  return { state: followed(state, space), effects: [...held.values()].map((frame) => spoken(being, frame)) }
}

const complain = (state: Known, code: 'too-large' | 'too-many' | 'not-subscribed', space: SpaceId): ConnectionStep => ({
  state,
  effects: [errorFrame(code, { space })],
})

function unsubscribe(state: Known, space: SpaceId): ConnectionStep {
  if (!isWatching(state, space)) return stay(state)
  return { state: letGo(state, space), effects: [{ type: 'unwatch', space }] }
}
