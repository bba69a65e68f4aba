/**
 * One watched space: its confirmed content, how it stands with the gateway, who is here and whether oneself is. The
 * rule everything serves: content at version n holds every change up to n and each once. What does not follow is never
 * applied; the space asks again from its own position instead.
 *
 *   paused ─► asking ─► current      any state is paused when the connection is lost
 *                ▲  ▼      │         retrying asks again after a backoff
 *              retrying ◄──┘         closed asks again when a person does, and is opened by a late answer
 *
 * `sync/space-sync.ts` runs one of these for each space that is watched and keeps its state in the store.
 */
import { type Machine, type Moment, soonest, stay } from '@rhizom/machine'
import { type BeingId, place, type Placement, type Range } from '@rhizom/protocol'
import { noteRemoved, stepOlder } from './older-intentions.ts'
import {
  isTold,
  learnSince,
  presentAs,
  sendsAtMs,
  stateToRepeat,
  withSent,
  withState,
  withTold,
} from './own-presence.ts'
import { applyPresence, type PresenceChange, type HereList, takeRoster } from './presence-state.ts'
import { applyChange, contentOf, removedBy, type SpaceContent, stoppedTypingBy } from './space-content.ts'
import { sharedContent } from './share-content.ts'
import { type ChangeRun, initialSpace, type SpaceEffect, type SpaceEvent, type SpaceState } from './space-state.ts'
import {
  ask,
  becameCurrent,
  catchUp,
  close,
  isAnswerable,
  isListening,
  markDisconnected,
  move,
  refuse,
  retryLater,
  SNAPSHOT_AFTER_FAILURES,
  type SpaceStep,
  subscriptionWakesAtMs,
} from './subscription.ts'
import { endTyping, expireTyping, startTyping, stopTyping, typingEndsAtMs } from './typing-state.ts'

function wakesAtMs({ subscription, own, typing }: SpaceState): number | undefined {
  const sends = subscription.status === 'current' ? sendsAtMs(own) : undefined
  return soonest([subscriptionWakesAtMs(subscription), typingEndsAtMs(typing), sends])
}

function step(state: SpaceState, event: SpaceEvent, at: Moment): SpaceStep {
  switch (event.type) {
    case 'connected':
      return state.subscription.status === 'closed' ? stay(state) : ask(state, 0, at)
    case 'moved':
      return move(state, at)
    case 'disconnected':
      return state.subscription.status === 'closed'
        ? stay(state)
        : stay(markDisconnected({ ...state, subscription: { status: 'paused' } }, at))
    case 'snapshotReceived':
      return isAnswerable(state)
        ? answered(stay(takeSnapshot(receiveRoster(state, event.roster, at), event, at)), at)
        : stay(state)
    case 'resumedReceived':
      return isAnswerable(state)
        ? answered(takeResumed(receiveRoster(state, event.roster, at), event.frame, at), at)
        : stay(state)
    case 'changesReceived':
      return isListening(state) ? takeChanges(state, event.frame, at) : stay(state)
    case 'headReceived':
      return state.subscription.status === 'current' &&
        state.content !== undefined &&
        event.version > state.content.position.version
        ? catchUp(state, state.subscription, at)
        : stay(state)
    case 'presenceReceived':
      return isListening(state) ? stay(takePresence(state, event.frame, at)) : stay(state)
    case 'typingReceived':
      return isListening(state)
        ? stay({ ...state, typing: startTyping(state.typing, event.being, at.nowMs) })
        : stay(state)
    case 'typingEnded':
      return stay({ ...state, typing: endTyping(state.typing, event.being) })
    case 'subscribeFailed':
      return isListening(state) ? refuse(state, event, at) : stay(state)
    case 'unsubscribed':
      return isListening(state) ? stay(close(state, event.code, event.message)) : stay(state)
    case 'presentChanged':
      return changePresent(state, event.being, at)
    case 'stateSet':
      return sendIfDue({ ...state, own: withState(state.own, event.state) }, at)
    case 'storeLost':
      return stay({ ...initialSpace(state.id), own: withTold(state.own, false) })
    case 'retryRequested':
      return state.subscription.status === 'closed' || state.subscription.status === 'retrying'
        ? ask(state, 0, at)
        : stay(state)
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

/** The answer says who is here, whatever it says of the content. */
function receiveRoster(state: SpaceState, roster: HereList, at: Moment): SpaceState {
  const presence = takeRoster(state.presence, roster, at.dateMs)
  return { ...state, presence, own: learnSince(state.own, presence) }
}

/** After an answer: what the gateway was not told meanwhile, and the state, which it may never have heard of. */
function answered(taken: SpaceStep, at: Moment): SpaceStep {
  const { state, effects } = taken
  const { subscription, own } = state
  if (subscription.status !== 'current') return taken
  if (!isTold(own)) return ask(state, 0, at)
  const value = stateToRepeat(own)
  if (value === undefined) return taken
  return {
    state: { ...state, own: withSent(own, value, at.nowMs) },
    effects: [...effects, { type: 'sendPresence', state: value }],
  }
}

/** One comes or goes: told by subscribing anew, from the held position. */
function changePresent(before: SpaceState, being: BeingId | undefined, at: Moment): SpaceStep {
  const own = presentAs(before.own, being, before.presence, at.dateMs)
  const state = own === before.own ? before : { ...before, own }
  const { status } = state.subscription
  return (status === 'current' || status === 'asking') && !isTold(own) ? ask(state, 0, at) : stay(state)
}

function sendIfDue(state: SpaceState, at: Moment): SpaceStep {
  const { subscription, own } = state
  const dueAtMs = subscription.status === 'current' ? sendsAtMs(own) : undefined
  if (dueAtMs === undefined || at.nowMs < dueAtMs || own.state.status !== 'unsent') return stay(state)
  const { value } = own.state
  return {
    state: { ...state, own: withSent(own, value, at.nowMs) },
    effects: [{ type: 'sendPresence', state: value }],
  }
}

function takePresence(state: SpaceState, frame: PresenceChange, at: Moment): SpaceState {
  if (state.presence === undefined) return state
  const presence = applyPresence(state.presence, frame, at.dateMs)
  const typing = stopTyping(state.typing, frame.left, at.nowMs)
  if (presence === state.presence && typing === state.typing) return state
  return { ...state, presence, own: learnSince(state.own, presence), typing }
}

type SnapshotReceived = Extract<SpaceEvent, { type: 'snapshotReceived' }>

function takeSnapshot(state: SpaceState, { snapshot, resets }: SnapshotReceived, at: Moment): SpaceState {
  const subscription = becameCurrent(state.subscription, at)
  const held = state.content?.position
  // Never backwards within one history, as what is held already contains it; unless the log says that it does not.
  if (resets !== true && held !== undefined && held.epoch === snapshot.epoch && held.version >= snapshot.version)
    return { ...state, subscription }
  return {
    ...state,
    subscription,
    content: sharedContent(state.content, contentOf(snapshot)),
    older: { status: 'idle' },
  }
}

/** Whether a run holds what it says it holds: a frame with a hole in it is a gap like any other. */
const isWhole = (run: ChangeRun): boolean =>
  run.changes.length === run.to - run.from &&
  run.changes.every(({ version }, index) => version === run.from + 1 + index)

/** What follows from a run for a holder of that content. */
function placementOf(content: SpaceContent, run: ChangeRun): Placement {
  const range: Range = { epoch: run.epoch, from: run.from, to: run.to }
  const placement = place(content.position, range)
  return (placement === 'follows' || placement === 'overlaps') && !isWhole(run) ? 'gap' : placement
}

/** The state with those changes of the run that it lacks. */
function apply(state: SpaceState, content: SpaceContent, run: ChangeRun, at: Moment): SpaceState {
  const fresh = run.changes.filter(({ version }) => version > content.position.version)
  if (fresh.length === 0) return state
  if (fresh.some(({ kind }) => kind === 'space.remove')) return close(state, 'removed', 'This space was removed.')
  const removed = fresh.map(removedBy).filter((id) => id !== undefined)
  return {
    ...state,
    older: noteRemoved(state.older, removed),
    content: fresh.reduce(applyChange, content),
    typing: stopTyping(state.typing, fresh.flatMap(stoppedTypingBy), at.nowMs),
  }
}

function takeChanges(state: SpaceState, run: ChangeRun, at: Moment): SpaceStep {
  const { subscription, content } = state
  if (content === undefined) return stay(state)
  const placement = placementOf(content, run)
  switch (placement) {
    case 'follows':
    case 'overlaps':
      return stay(apply(state, content, run, at))
    case 'old':
      return stay(state)
    case 'gap':
    case 'other-epoch':
      return subscription.status === 'current' ? catchUp(state, subscription, at) : stay(state)
    default:
      return placement satisfies never
  }
}

function takeResumed(state: SpaceState, run: ChangeRun, at: Moment): SpaceStep {
  const { subscription, content } = state
  const attempt = 'attempt' in subscription ? subscription.attempt : 0
  if (content === undefined) return retryLater(state, attempt, 'The answer did not fit what was asked.', at)
  const placement = placementOf(content, run)
  switch (placement) {
    case 'follows':
    case 'overlaps':
      return stay(apply({ ...state, subscription: becameCurrent(subscription, at) }, content, run, at))
    case 'old':
      return stay({ ...state, subscription: becameCurrent(subscription, at) })
    case 'gap':
    case 'other-epoch':
      return retryLater(state, Math.max(attempt, SNAPSHOT_AFTER_FAILURES), 'The answer left a gap.', at)
    default:
      return placement satisfies never
  }
}

function passTime(before: SpaceState, at: Moment): SpaceStep {
  const typing = expireTyping(before.typing, at.nowMs)
  const state = typing === before.typing ? before : { ...before, typing }
  const { subscription } = state
  if (subscription.status === 'current' && subscription.answerByMs !== undefined && at.nowMs >= subscription.answerByMs)
    return ask(state, 0, at)
  if (subscription.status === 'asking' && at.nowMs >= subscription.givesUpAtMs)
    return retryLater(state, subscription.attempt, 'The gateway did not answer.', at)
  if (subscription.status === 'retrying' && at.nowMs >= subscription.retryAtMs)
    return ask(state, subscription.attempt, at)
  return sendIfDue(state, at)
}

export const spaceMachine: Machine<SpaceState, SpaceEvent, SpaceEffect> = { step, wakesAtMs }
