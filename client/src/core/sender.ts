/**
 * Whether this page sends what waits, or another page of the same person in the same browser does.
 *
 *   left ─► opening ─► joining ─► follower ◄─► asking         another page sends; something waits here
 *                         │           │  ▲       │ steals
 *                         ▼           ▼  └──┐    ▼            the lock was lost to another page
 *                       alone      granted ─┴► sender         after what is kept was read once more
 *
 * From wherever there are others, losing the store leads by `parting` into `alone`, leaving the page into `left`, and
 * the end of the client into `closed`. `sync/shared-queue.ts` carries it out.
 */
import { type Machine, type Moment, soonest, type Step, stay, type TimePassed } from '@rhizom/machine'

/** Without a word of the one that sends for so long, its page hangs or is frozen, and another takes over. */
export const SILENCE_MS = 4_000
/** So long the word that all was erased may be on its way. */
export const ERASED_WORD_MS = 1_000

export type Sender =
  /** Not there yet, or left: it holds neither lock nor channel, and may be frozen at any time. */
  | { status: 'left'; turn: number }
  /** The store is being opened. */
  | { status: 'opening'; turn: number }
  /** What is kept is being read. `isShared`: there is a channel to other pages, and a lock to ask for. */
  | { status: 'joining'; turn: number; isShared: boolean }
  /** There is nobody to share with, or nothing to share in: it sends what it has itself. */
  | { status: 'alone'; turn: number }
  /** Another page sends, and nothing waits here. The lock is asked for. */
  | { status: 'follower'; turn: number }
  /** Something waits here: whoever sends is asked to say so, now and then. */
  | { status: 'asking'; turn: number; asksAtMs: number; stealsAtMs: number | undefined }
  /** The lock is here. What a page that is gone had added is being read. */
  | { status: 'granted'; turn: number }
  | { status: 'sender'; turn: number }
  /** Nothing is kept any more, perhaps because another page erased it, which it says at the same time. */
  | { status: 'parting'; turn: number; isSender: boolean; untilMs: number }
  /** The client has ended. What it holds it holds until it is left. */
  | { status: 'closed'; turn: number; isSender: boolean }

export type SenderEvent =
  /** The page is there, or back. */
  | { type: 'attended' }
  | { type: 'left' }
  | { type: 'closed' }
  /** Whether anything is kept is known. */
  | { type: 'storeOpened'; turn: number; isKept: boolean }
  | { type: 'storeLost' }
  /** Whether there are channels and locks here. */
  | { type: 'tabsOpened'; isShared: boolean }
  /** The queue has what is kept. */
  | { type: 'keptGiven'; turn: number; waits: boolean }
  | { type: 'lockGranted' }
  /** Another page took it, that heard nothing of this one: maybe before it was known here that it was granted. */
  | { type: 'lockLost' }
  /** The browser gives no lock to this page. */
  | { type: 'lockRefused' }
  /** Whether something waits here for its outcome. */
  | { type: 'queueChanged'; waits: boolean }
  /** Something new is kept. */
  | { type: 'added' }
  /** The page that sends says so. */
  | { type: 'senderHeard' }
  | TimePassed

export type SenderEffect =
  /** Told by `storeOpened`. */
  | { type: 'openStore'; turn: number }
  /** Told by `tabsOpened`. */
  | { type: 'openTabs' }
  /** Lets go of the channel and of the lock. */
  | { type: 'closeTabs' }
  /** Gives the queue what is kept; told by `keptGiven`. */
  | { type: 'giveKept'; turn: number }
  | { type: 'requestLock'; steal: boolean }
  | { type: 'setSender'; isSender: boolean }
  /** To the other pages: what was asked for before any of them could hear it. */
  | { type: 'tellEntries' }
  | { type: 'tellSending' }
  | { type: 'askWhoSends' }

type SenderStep = Step<Sender, SenderEffect>

export const notThere: Sender = { status: 'left', turn: 0 }

/** What it says to whoever asks who sends. */
export function isSending(state: Sender): boolean {
  if (state.status === 'parting' || state.status === 'closed') return state.isSender
  return state.status === 'sender'
}

const toldToSend: SenderEffect = { type: 'setSender', isSender: true }
const toldNotToSend: SenderEffect = { type: 'setSender', isSender: false }

function step(state: Sender, event: SenderEvent, at: Moment): SenderStep {
  const { turn } = state
  if (state.status === 'closed') return { state, effects: event.type === 'left' ? [{ type: 'closeTabs' }] : [] }
  switch (event.type) {
    case 'attended':
      if (state.status !== 'left') return stay(state)
      return { state: { status: 'opening', turn: turn + 1 }, effects: [{ type: 'openStore', turn: turn + 1 }] }
    case 'left':
      return { state: { status: 'left', turn }, effects: isShared(state) ? [{ type: 'closeTabs' }, toldNotToSend] : [] }
    case 'closed':
      return stay({ status: 'closed', turn, isSender: isSending(state) })
    case 'storeOpened':
      if (state.status !== 'opening' || event.turn !== turn) return stay(state)
      if (!event.isKept) return { state: { status: 'alone', turn }, effects: [toldToSend] }
      return { state: { status: 'joining', turn, isShared: false }, effects: [{ type: 'openTabs' }] }
    case 'tabsOpened': {
      if (state.status !== 'joining') return stay(state)
      const read: SenderEffect = { type: 'giveKept', turn }
      return { state: { ...state, isShared: event.isShared }, effects: event.isShared ? [toldNotToSend, read] : [read] }
    }
    case 'keptGiven':
      return event.turn === turn ? takeKept(state, event.waits, at) : stay(state)
    case 'storeLost':
      if (!isShared(state) || state.status === 'parting') return stay(state)
      return stay({ status: 'parting', turn, isSender: isSending(state), untilMs: at.nowMs + ERASED_WORD_MS })
    case 'lockGranted':
      if (state.status !== 'follower' && state.status !== 'asking') return stay(state)
      return { state: { status: 'granted', turn: turn + 1 }, effects: [{ type: 'giveKept', turn: turn + 1 }] }
    case 'lockLost':
      return loseLock(state)
    case 'lockRefused':
      if (!isShared(state) || state.status === 'parting') return stay(state)
      return { state: { status: 'alone', turn }, effects: [{ type: 'closeTabs' }, toldToSend] }
    case 'queueChanged':
      if (state.status === 'follower' && event.waits) return stay(asking(state, at))
      return state.status === 'asking' && !event.waits ? stay({ status: 'follower', turn }) : stay(state)
    case 'added':
      return state.status === 'follower' || state.status === 'asking' ? ask(state, at) : stay(state)
    case 'senderHeard':
      return state.status === 'asking' ? stay({ ...state, stealsAtMs: undefined }) : stay(state)
    case 'timePassed':
      return timePassed(state, at)
    default:
      return event satisfies never
  }
}

/** Whether there is a channel to other pages. */
function isShared(state: Sender): boolean {
  switch (state.status) {
    case 'left':
    case 'opening':
    case 'alone':
      return false
    case 'joining':
      return state.isShared
    case 'follower':
    case 'asking':
    case 'granted':
    case 'sender':
    case 'parting':
    case 'closed':
      return true
    default:
      return state satisfies never
  }
}

function takeKept(state: Sender, waits: boolean, at: Moment): SenderStep {
  const { turn } = state
  if (state.status === 'granted')
    return { state: { status: 'sender', turn }, effects: [toldToSend, { type: 'tellSending' }] }
  if (state.status !== 'joining') return stay(state)
  if (!state.isShared) return { state: { status: 'alone', turn }, effects: [toldToSend] }
  const follower: Sender = { status: 'follower', turn }
  const next = waits ? ask(follower, at) : stay<Sender>(follower)
  return {
    state: next.state,
    effects: [{ type: 'tellEntries' }, { type: 'requestLock', steal: false }, ...next.effects],
  }
}

function loseLock(state: Sender): SenderStep {
  const { status, turn } = state
  const request: SenderEffect = { type: 'requestLock', steal: false }
  if (status === 'follower' || status === 'asking') return { state, effects: [request] }
  if (status !== 'granted' && status !== 'sender') return stay(state)
  return { state: { status: 'follower', turn }, effects: [toldNotToSend, request] }
}

type Following = Extract<Sender, { status: 'follower' | 'asking' }>

/** It is asked again for as long as something waits: the lock may have gone to a page that is frozen. */
const asking = ({ turn }: Following, { nowMs }: Moment, stealsAtMs?: number): Sender => ({
  status: 'asking',
  turn,
  asksAtMs: nowMs + SILENCE_MS,
  stealsAtMs,
})

/** Where another page sends, it is to say that it lives. */
function ask(state: Following, at: Moment): SenderStep {
  const stealsAtMs = (state.status === 'asking' ? state.stealsAtMs : undefined) ?? at.nowMs + SILENCE_MS
  return { state: asking(state, at, stealsAtMs), effects: [{ type: 'askWhoSends' }] }
}

function timePassed(state: Sender, at: Moment): SenderStep {
  if (state.status === 'parting' && at.nowMs >= state.untilMs)
    return { state: { status: 'alone', turn: state.turn }, effects: [{ type: 'closeTabs' }, toldToSend] }
  if (state.status !== 'asking') return stay(state)
  if (state.stealsAtMs !== undefined && at.nowMs >= state.stealsAtMs)
    return { state: asking(state, at), effects: [{ type: 'requestLock', steal: true }] }
  return at.nowMs >= state.asksAtMs ? ask(state, at) : stay(state)
}

function wakesAtMs(state: Sender): number | undefined {
  if (state.status === 'parting') return state.untilMs
  return state.status === 'asking' ? soonest([state.asksAtMs, state.stealsAtMs]) : undefined
}

export const senderMachine: Machine<Sender, SenderEvent, SenderEffect> = { step, wakesAtMs }
