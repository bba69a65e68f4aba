/**
 * One watched space: its confirmed content and how it stands with the gateway. The rule everything serves: content at
 * version n holds every change up to n and each once. What does not follow is never applied; the space asks again
 * from its own position instead.
 *
 *   paused ─► asking ─► current      paused: no connection        asking: subscribe is sent, the answer is awaited
 *     ▲         ▲  ▼       │         retrying: no usable answer; asks again after a backoff
 *     └── any   retrying ◄─┘         closed: gone, revoked or refused; only a person asks again
 *
 * The owner of this state is the Query cache; `sync/space-sync.ts` feeds it events and carries out its effects.
 */
import { backoffMs, type Moment } from '@rhizom/machine'
import type { Here, Snapshot, SpaceId } from '@rhizom/protocol'
import { noteRemoved, type Older, stepOlder } from './older.ts'
import {
  becomeStale,
  hearPresence,
  type PresenceFrame,
  type PresenceState,
  type Roster,
  takeRoster,
} from './presence-state.ts'
import { learnSince, takeOwnWord } from './self-presence.ts'
import type { SpaceEffect, SpaceEvent } from './space-event.ts'
import { placementOf, type Run, silencedBy } from './space-run.ts'
import { applyChange, contentOf, removedBy, type SpaceContent } from './space-content.ts'
import {
  expireTyping,
  hearTyping,
  hearTypingEnd,
  nobodyTypes,
  stopTyping,
  typingDeadlineOf,
  type TypingState,
} from './typing-state.ts'
import { BACKOFF, SUBSCRIPTION_TIMES } from './times.ts'

export type Feed =
  | { status: 'paused' }
  | { status: 'asking'; attempt: number; givesUpAtMs: number }
  | { status: 'current'; attempt: number; sinceMs: number }
  | { status: 'retrying'; attempt: number; retryAtMs: number; reason: string }
  | { status: 'closed'; code: string; message: string }

export interface SpaceState {
  id: SpaceId
  feed: Feed
  /** null until the first snapshot, and after a close. */
  content: SpaceContent | null
  older: Older
  /** Who is here; null until the first answer, and after a close. */
  presence: PresenceState | null
  /** Oneself, as long as one is here through this client; the server's list may be without. */
  self: Here | null
  typing: TypingState
}

export interface SpaceStep {
  state: SpaceState
  effects: SpaceEffect[]
}

/** After this many failures in a row the position is given up and a snapshot asked for. */
const SNAPSHOT_AFTER_FAILURES = 3

/** Errors after which asking again unchanged cannot help. */
const FINAL_CODES: ReadonlySet<string> = new Set(['not-found', 'too-many', 'too-large', 'malformed'])

/** Errors that, once a space is current, are about a state or a signal it sent and not about the subscription. */
const ASIDE_CODES: ReadonlySet<string> = new Set(['too-large', 'malformed', 'rate-limited'])

export const initialSpace = (id: SpaceId): SpaceState => ({
  id,
  feed: { status: 'paused' },
  content: null,
  older: { status: 'idle' },
  presence: null,
  self: null,
  typing: nobodyTypes,
})

/** When the shell should send `timePassed`; null for never. */
export function spaceDeadlineOf({ feed, typing }: SpaceState): number | null {
  const deadlines = [feedDeadlineOf(feed), typingDeadlineOf(typing)].filter((deadline) => deadline !== null)
  return deadlines.length === 0 ? null : Math.min(...deadlines)
}

function feedDeadlineOf(feed: Feed): number | null {
  switch (feed.status) {
    case 'asking':
      return feed.givesUpAtMs
    case 'retrying':
      return feed.retryAtMs
    case 'paused':
    case 'current':
    case 'closed':
      return null
    default:
      return feed satisfies never
  }
}

const stay = (state: SpaceState): SpaceStep => ({ state, effects: [] })

/** Frames count only while a subscription stands: not without a connection, not after a close. */
const isListening = ({ feed }: SpaceState): boolean => feed.status !== 'paused' && feed.status !== 'closed'

/** One step of a watched space. */
export function stepSpace(state: SpaceState, event: SpaceEvent, at: Moment): SpaceStep {
  switch (event.type) {
    case 'connected':
      return state.feed.status === 'closed' ? stay(state) : ask(state, 0, at)
    case 'disconnected':
      return state.feed.status === 'closed' ? stay(state) : stay(unheard({ ...state, feed: { status: 'paused' } }, at))
    case 'wishChanged':
      return state.feed.status === 'current' || state.feed.status === 'asking' ? ask(state, 0, at) : stay(state)
    case 'snapshotReceived':
      return isListening(state) ? stay(takeSnapshot(hear(state, event.roster, at), event.snapshot, at)) : stay(state)
    case 'resumedReceived':
      return isListening(state) ? takeResumed(hear(state, event.roster, at), event.frame, at) : stay(state)
    case 'changesReceived':
      return isListening(state) ? takeChanges(state, event.frame, at) : stay(state)
    case 'headHeard':
      return state.feed.status === 'current' && state.content !== null && event.version > state.content.position.version
        ? catchUp(state, state.feed, at)
        : stay(state)
    case 'presenceHeard':
      return isListening(state) ? stay(takePresence(state, event.frame, at)) : stay(state)
    case 'selfChanged':
      return stay({ ...state, self: takeOwnWord(state.self, event.self, state.presence, at.dateMs) })
    case 'typingHeard':
      return isListening(state)
        ? stay({ ...state, typing: hearTyping(state.typing, event.being, at.nowMs) })
        : stay(state)
    case 'typingStopped':
      return stay({ ...state, typing: hearTypingEnd(state.typing, event.being) })
    case 'askFailed':
      return isListening(state) ? refuse(state, event, at) : stay(state)
    case 'unsubscribed':
      return isListening(state) ? stay(close(state, event.code, event.message)) : stay(state)
    case 'retryRequested':
      return state.feed.status === 'closed' || state.feed.status === 'retrying' ? ask(state, 0, at) : stay(state)
    case 'olderRequested':
    case 'olderReceived':
    case 'olderFailed': {
      const { effects, ...part } = stepOlder(state, event)
      return { state: part.older === state.older ? state : { ...state, ...part }, effects }
    }
    case 'timePassed':
      return passTime(state, at)
    default:
      return event satisfies never
  }
}

function ask(state: SpaceState, attempt: number, at: Moment): SpaceStep {
  const givesUpAtMs = at.nowMs + SUBSCRIPTION_TIMES.answerTimeoutMs
  const position = attempt < SNAPSHOT_AFTER_FAILURES ? (state.content?.position ?? null) : null
  return {
    state: { ...state, feed: { status: 'asking', attempt, givesUpAtMs } },
    effects: [{ type: 'subscribe', position }],
  }
}

function retryLater(state: SpaceState, attempt: number, reason: string, at: Moment, floorMs = 0): SpaceStep {
  const retryAtMs = at.nowMs + backoffMs(BACKOFF, attempt, at.random, floorMs)
  return stay({ ...state, feed: { status: 'retrying', attempt: attempt + 1, retryAtMs, reason } })
}

/** Something was missed. The first time it is asked for at once; again soon after, only with a backoff. */
function catchUp(state: SpaceState, feed: Feed & { status: 'current' }, at: Moment): SpaceStep {
  const settled = at.nowMs - feed.sinceMs >= SUBSCRIPTION_TIMES.settledAfterMs
  if (settled || feed.attempt === 0) return ask(state, 1, at)
  return retryLater(state, feed.attempt, 'Something was missed; asking for it again.', at)
}

/** The answer says who is here, whatever it says of the content. */
function hear(state: SpaceState, roster: Roster, at: Moment): SpaceState {
  const presence = takeRoster(state.presence, roster, at.dateMs)
  return { ...state, presence, self: learnSince(state.self, presence) }
}

/** Nothing is heard any more: who was here is kept and marked, who was typing is not. */
const unheard = (state: SpaceState, at: Moment): SpaceState => ({
  ...state,
  presence: becomeStale(state.presence, at.dateMs),
  typing: nobodyTypes,
})

function takePresence(state: SpaceState, frame: PresenceFrame, at: Moment): SpaceState {
  if (state.presence === null) return state
  const presence = hearPresence(state.presence, frame, at.dateMs)
  const typing = stopTyping(state.typing, frame.left, at.nowMs)
  if (presence === state.presence && typing === state.typing) return state
  return { ...state, presence, self: learnSince(state.self, presence), typing }
}

const becameCurrent = (feed: Feed, at: Moment): Feed =>
  feed.status === 'current'
    ? feed
    : { status: 'current', attempt: 'attempt' in feed ? feed.attempt : 0, sinceMs: at.nowMs }

function takeSnapshot(state: SpaceState, snapshot: Snapshot, at: Moment): SpaceState {
  const feed = becameCurrent(state.feed, at)
  const held = state.content?.position
  // Never backwards within one history: what is held already contains it.
  if (held !== undefined && held.epoch === snapshot.epoch && held.version >= snapshot.version) return { ...state, feed }
  return { ...state, feed, content: contentOf(snapshot), older: { status: 'idle' } }
}

/** The state with those changes of the run that it lacks. */
function apply(state: SpaceState, content: SpaceContent, run: Run, at: Moment): SpaceState {
  const fresh = run.changes.filter(({ version }) => version > content.position.version)
  if (fresh.length === 0) return state
  if (fresh.some(({ kind }) => kind === 'space.remove')) return close(state, 'removed', 'This space was removed.')
  const removed = fresh.map(removedBy).filter((id) => id !== null)
  return {
    ...state,
    older: noteRemoved(state.older, removed),
    content: fresh.reduce(applyChange, content),
    typing: stopTyping(state.typing, fresh.flatMap(silencedBy), at.nowMs),
  }
}

function takeChanges(state: SpaceState, run: Run, at: Moment): SpaceStep {
  const { feed, content } = state
  if (content === null) return stay(state)
  const placement = placementOf(content, run)
  switch (placement) {
    case 'follows':
    case 'overlaps':
      return stay(apply(state, content, run, at))
    case 'old':
      return stay(state)
    case 'gap':
    case 'other-epoch':
      return feed.status === 'current' ? catchUp(state, feed, at) : stay(state)
    default:
      return placement satisfies never
  }
}

function takeResumed(state: SpaceState, run: Run, at: Moment): SpaceStep {
  const { feed, content } = state
  const attempt = 'attempt' in feed ? feed.attempt : 0
  if (content === null) return retryLater(state, attempt, 'The answer did not fit what was asked.', at)
  const placement = placementOf(content, run)
  switch (placement) {
    case 'follows':
    case 'overlaps':
      return stay(apply({ ...state, feed: becameCurrent(feed, at) }, content, run, at))
    case 'old':
      return stay({ ...state, feed: becameCurrent(feed, at) })
    case 'gap':
    case 'other-epoch':
      return retryLater(state, Math.max(attempt, SNAPSHOT_AFTER_FAILURES), 'The answer left a gap.', at)
    default:
      return placement satisfies never
  }
}

function refuse(
  state: SpaceState,
  refusal: { code: string; message: string; retryAfterMs: number | null },
  at: Moment,
): SpaceStep {
  const { code, message, retryAfterMs } = refusal
  if (state.feed.status === 'current' && ASIDE_CODES.has(code)) return stay(state)
  // A state or a signal came before the answer to the subscription that allows it: the answer still comes.
  if (state.feed.status === 'asking' && code === 'not-subscribed') return stay(state)
  if (FINAL_CODES.has(code) && retryAfterMs === null) return stay(close(state, code, message))
  const attempt = 'attempt' in state.feed ? state.feed.attempt : 0
  return retryLater(unheard(state, at), attempt, message, at, retryAfterMs ?? 0)
}

/** What may no longer be read is no longer shown either. */
const close = (state: SpaceState, code: string, message: string): SpaceState => ({
  ...state,
  feed: { status: 'closed', code, message },
  content: null,
  older: { status: 'idle' },
  presence: null,
  typing: nobodyTypes,
})

function passTime(before: SpaceState, at: Moment): SpaceStep {
  const typing = expireTyping(before.typing, at.nowMs)
  const state = typing === before.typing ? before : { ...before, typing }
  const { feed } = state
  if (feed.status === 'asking' && at.nowMs >= feed.givesUpAtMs)
    return retryLater(state, feed.attempt, 'The gateway did not answer.', at)
  if (feed.status === 'retrying' && at.nowMs >= feed.retryAtMs) return ask(state, feed.attempt, at)
  return stay(state)
}
