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
import {
  type ChangesFrame,
  type IntentionsAnswer,
  place,
  type Placement,
  type Position,
  type Range,
  type ResumedFrame,
  type Snapshot,
  type SpaceId,
} from '@rhizom/protocol'
import { backoffMs, type Moment } from './backoff.ts'
import { applyChange, contentOf, removedBy, type SpaceContent, withOlder } from './space-content.ts'

export type Feed =
  | { status: 'paused' }
  | { status: 'asking'; attempt: number; givesUpAtMs: number }
  | { status: 'current'; attempt: number; sinceMs: number }
  | { status: 'retrying'; attempt: number; retryAtMs: number; reason: string }
  | { status: 'closed'; code: string; message: string }

/** The page of older intentions under way. `before` names it; `removed` is what vanished while it was. */
export type Older =
  | { status: 'idle' }
  | { status: 'loading'; before: string | null; removed: readonly string[] }
  | { status: 'failed'; message: string }

export interface SpaceState {
  id: SpaceId
  feed: Feed
  /** null until the first snapshot, and after a close. */
  content: SpaceContent | null
  older: Older
}

export type SpaceEvent =
  | { type: 'connected' }
  | { type: 'disconnected' }
  | { type: 'snapshotReceived'; snapshot: Snapshot }
  | { type: 'resumedReceived'; frame: Pick<ResumedFrame, 'epoch' | 'from' | 'to' | 'changes'> }
  | { type: 'changesReceived'; frame: Pick<ChangesFrame, 'epoch' | 'from' | 'to' | 'changes'> }
  | { type: 'headHeard'; version: number }
  | { type: 'askFailed'; code: string; message: string; retryAfterMs: number | null }
  | { type: 'unsubscribed'; code: string; message: string }
  | { type: 'retryRequested' }
  | { type: 'olderRequested' }
  | { type: 'olderReceived'; before: string | null; page: IntentionsAnswer }
  | { type: 'olderFailed'; before: string | null; message: string }
  | { type: 'timePassed' }

export type SpaceEffect =
  /** Without a position the answer is a snapshot. */
  { type: 'subscribe'; position: Position | null } | { type: 'fetchOlder'; before: string | null }

export interface SpaceStep {
  state: SpaceState
  effects: SpaceEffect[]
}

export const SPACE_TIMES = {
  answerTimeoutMs: 10_000,
  /** A feed that was current for this long forgives the failures before it. */
  settledAfterMs: 5_000,
} as const

/** After this many failures in a row the position is given up and a snapshot asked for. */
const SNAPSHOT_AFTER_FAILURES = 3

/** Errors after which asking again unchanged cannot help. */
const FINAL_CODES: ReadonlySet<string> = new Set(['not-found', 'too-many', 'too-large', 'malformed'])

export const initialSpace = (id: SpaceId): SpaceState => ({
  id,
  feed: { status: 'paused' },
  content: null,
  older: { status: 'idle' },
})

/** When the shell should send `timePassed`; null for never. */
export function spaceDeadlineOf({ feed }: SpaceState): number | null {
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
      return state.feed.status === 'closed' ? stay(state) : stay({ ...state, feed: { status: 'paused' } })
    case 'snapshotReceived':
      return isListening(state) ? stay(takeSnapshot(state, event.snapshot, at)) : stay(state)
    case 'resumedReceived':
      return isListening(state) ? takeResumed(state, event.frame, at) : stay(state)
    case 'changesReceived':
      return isListening(state) ? takeChanges(state, event.frame, at) : stay(state)
    case 'headHeard':
      return state.feed.status === 'current' && state.content !== null && event.version > state.content.position.version
        ? catchUp(state, state.feed, at)
        : stay(state)
    case 'askFailed':
      return isListening(state) ? refuse(state, event, at) : stay(state)
    case 'unsubscribed':
      return isListening(state) ? stay(close(state, event.code, event.message)) : stay(state)
    case 'retryRequested':
      return state.feed.status === 'closed' || state.feed.status === 'retrying' ? ask(state, 0, at) : stay(state)
    case 'olderRequested':
    case 'olderReceived':
    case 'olderFailed':
      return stepOlder(state, event)
    case 'timePassed':
      return passTime(state, at)
    default:
      return event satisfies never
  }
}

function ask(state: SpaceState, attempt: number, at: Moment): SpaceStep {
  const givesUpAtMs = at.nowMs + SPACE_TIMES.answerTimeoutMs
  const position = attempt < SNAPSHOT_AFTER_FAILURES ? (state.content?.position ?? null) : null
  return {
    state: { ...state, feed: { status: 'asking', attempt, givesUpAtMs } },
    effects: [{ type: 'subscribe', position }],
  }
}

function retryLater(state: SpaceState, attempt: number, reason: string, at: Moment, floorMs = 0): SpaceStep {
  const retryAtMs = at.nowMs + backoffMs(attempt, at.random, floorMs)
  return stay({ ...state, feed: { status: 'retrying', attempt: attempt + 1, retryAtMs, reason } })
}

/** Something was missed. The first time it is asked for at once; again soon after, only with a backoff. */
function catchUp(state: SpaceState, feed: Feed & { status: 'current' }, at: Moment): SpaceStep {
  const settled = at.nowMs - feed.sinceMs >= SPACE_TIMES.settledAfterMs
  if (settled || feed.attempt === 0) return ask(state, 1, at)
  return retryLater(state, feed.attempt, 'Something was missed; asking for it again.', at)
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

type Run = Pick<ChangesFrame, 'epoch' | 'from' | 'to' | 'changes'>

/** Whether a run holds what it says it holds: a frame with a hole in it is a gap like any other. */
const isWhole = (run: Run): boolean =>
  run.changes.length === run.to - run.from &&
  run.changes.every(({ version }, index) => version === run.from + 1 + index)

/** The state with those changes of the run that it lacks. */
function apply(state: SpaceState, content: SpaceContent, run: Run): SpaceState {
  const fresh = run.changes.filter(({ version }) => version > content.position.version)
  if (fresh.length === 0) return state
  if (fresh.some(({ kind }) => kind === 'space.remove')) return close(state, 'removed', 'This space was removed.')
  const removed = fresh.map(removedBy).filter((id) => id !== null)
  const older =
    state.older.status === 'loading' && removed.length > 0
      ? { ...state.older, removed: [...state.older.removed, ...removed] }
      : state.older
  return { ...state, older, content: fresh.reduce(applyChange, content) }
}

function placementOf(content: SpaceContent, run: Run): Placement {
  const range: Range = { epoch: run.epoch, from: run.from, to: run.to }
  const placement = place(content.position, range)
  return (placement === 'follows' || placement === 'overlaps') && !isWhole(run) ? 'gap' : placement
}

function takeChanges(state: SpaceState, run: Run, at: Moment): SpaceStep {
  const { feed, content } = state
  if (content === null) return stay(state)
  const placement = placementOf(content, run)
  switch (placement) {
    case 'follows':
    case 'overlaps':
      return stay(apply(state, content, run))
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
      return stay(apply({ ...state, feed: becameCurrent(feed, at) }, content, run))
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
  if (FINAL_CODES.has(code) && retryAfterMs === null) return stay(close(state, code, message))
  const attempt = 'attempt' in state.feed ? state.feed.attempt : 0
  return retryLater(state, attempt, message, at, retryAfterMs ?? 0)
}

/** What may no longer be read is no longer shown either. */
const close = (state: SpaceState, code: string, message: string): SpaceState => ({
  ...state,
  feed: { status: 'closed', code, message },
  content: null,
  older: { status: 'idle' },
})

function passTime(state: SpaceState, at: Moment): SpaceStep {
  const { feed } = state
  if (feed.status === 'asking' && at.nowMs >= feed.givesUpAtMs)
    return retryLater(state, feed.attempt, 'The gateway did not answer.', at)
  if (feed.status === 'retrying' && at.nowMs >= feed.retryAtMs) return ask(state, feed.attempt, at)
  return stay(state)
}

function stepOlder(
  state: SpaceState,
  event: Extract<SpaceEvent, { type: 'olderRequested' | 'olderReceived' | 'olderFailed' }>,
): SpaceStep {
  const { content, older } = state
  switch (event.type) {
    case 'olderRequested': {
      if (content === null || !content.hasMore || older.status === 'loading') return stay(state)
      const before = content.intentions[0]?.id ?? null
      return {
        state: { ...state, older: { status: 'loading', before, removed: [] } },
        effects: [{ type: 'fetchOlder', before }],
      }
    }
    case 'olderReceived': {
      // A snapshot that came meanwhile has made the page meaningless.
      if (content === null || older.status !== 'loading' || older.before !== event.before) return stay(state)
      const merged = withOlder(content, event.page, new Set(older.removed))
      return stay({ ...state, older: { status: 'idle' }, content: merged })
    }
    case 'olderFailed':
      return older.status === 'loading' && older.before === event.before
        ? stay({ ...state, older: { status: 'failed', message: event.message } })
        : stay(state)
    default:
      return event satisfies never
  }
}
