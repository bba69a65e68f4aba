/**
 * When the api is asked what is new to whom, and what followers are told of it. Who begins to follow is asked about at
 * once. What may have changed is gathered and asked about in rounds that begin `windowMs` apart or more: the first
 * after quiet at once, so that each being and each space costs at most one look a round, however often it changes.
 *
 *   a head moved · read elsewhere · came or went · bus lost ──► next ── a window later ──► round ─┐
 *   somebody follows ─────────────────────────────────────────► first ──────────────────────────┼─► asking
 *                                                what was asked goes back ◄── after a failure ───┘
 *
 * One question is under way at a time, of bounded size, with a pause after it. All are asked about anew every
 * `checkMs`, for hints may be lost. The state is changed in place, as it may hold many.
 */
import { backoffMs, type Backoff, type Machine, type Moment, type TimePassed } from '@rhizom/machine'
import {
  type BeingId,
  type InternalNewsAnswer,
  type InternalNewsBody,
  isBehind,
  type News,
  NEWS_QUESTION,
  type NewsFrame,
  type Position,
  type SpaceId,
} from '@rhizom/protocol'
import { type Learned, NewsBook } from './book.ts'

interface Due {
  beings: Set<BeingId>
  some: Map<SpaceId, Set<BeingId>>
}

export interface NewsState {
  readonly book: NewsBook
  readonly first: Set<BeingId>
  round: Due
  next: Due
  roundBeganAtMs: number
  isAsking: boolean
  /** Heads heard while a question is under way: its answer may be older, and of spaces that nobody follows yet. */
  readonly heard: Map<SpaceId, Position>
  notBeforeMs: number
  failures: number
  checkAtMs: number
}

export type NewsEvent =
  | { type: 'followed'; being: BeingId; follower: number }
  /** Nobody follows for this being any more. */
  | { type: 'unfollowed'; being: BeingId }
  /** Without a position there is no such space. */
  | { type: 'headsLearned'; heads: Iterable<readonly [SpaceId, Position | undefined]> }
  /** To whom which space became another one. */
  | { type: 'concerned'; spaces: Readonly<Record<SpaceId, readonly BeingId[]>> }
  /** What was said meanwhile nobody heard. */
  | { type: 'busRecovered' }
  | { type: 'answered'; question: InternalNewsBody; answer: InternalNewsAnswer }
  | { type: 'failed'; question: InternalNewsBody }

export type NewsEffect =
  | { type: 'ask'; question: InternalNewsBody }
  /** Without a follower: to all who follow for this being. */
  | { type: 'tell'; being: BeingId; frame: NewsFrame; follower: number | undefined }

export interface NewsSettings {
  windowMs: number
  checkMs: number
  /** After each question. */
  pauseMs: number
  retry: Backoff
}

const nothingDue = (): Due => ({ beings: new Set(), some: new Map() })
const isDue = ({ beings, some }: Due): boolean => beings.size > 0 || some.size > 0

export const startNews = (nowMs: number, settings: NewsSettings): NewsState => ({
  book: new NewsBook(),
  first: new Set(),
  round: nothingDue(),
  next: nothingDue(),
  roundBeganAtMs: nowMs - settings.windowMs,
  isAsking: false,
  heard: new Map(),
  notBeforeMs: nowMs,
  failures: 0,
  checkAtMs: nowMs + settings.checkMs,
})

export const newsMachine = (settings: NewsSettings): Machine<NewsState, NewsEvent, NewsEffect> => ({
  step: (state, event, at) => {
    const effects = happened(state, event, at, settings)
    return { state, effects: [...effects, ...askIfDue(state, at, settings)] }
  },
  wakesAtMs: (state) => newsWakesAtMs(state, settings),
})

function happened(
  state: NewsState,
  event: NewsEvent | TimePassed,
  at: Moment,
  settings: NewsSettings,
): readonly NewsEffect[] {
  const { book, next } = state
  switch (event.type) {
    case 'followed': {
      const { being, follower } = event
      book.follow(being)
      const frame = book.whole(being)
      if (frame === undefined) {
        state.first.add(being)
        return []
      }
      next.beings.add(being)
      return [{ type: 'tell', being, frame, follower }]
    }
    case 'unfollowed':
      book.unfollow(event.being)
      state.first.delete(event.being)
      return []
    case 'headsLearned':
      for (const [space, position] of event.heads) {
        if (state.isAsking && position !== undefined) keepFarthest(state, space, position)
        headLearned(state, space, position)
      }
      return []
    case 'concerned':
      for (const [space, beings] of Object.entries(event.spaces))
        for (const being of beings) if (book.isFollowed(being)) note(next, space, being)
      return []
    case 'busRecovered':
      state.checkAtMs = at.nowMs
      return checkAll(state, at, settings)
    case 'answered':
      state.isAsking = false
      state.failures = 0
      state.notBeforeMs = at.nowMs + settings.pauseMs
      return learn(state, event.answer)
    case 'failed':
      state.isAsking = false
      state.notBeforeMs = at.nowMs + backoffMs(settings.retry, state.failures, at.random)
      state.failures += 1
      putBack(state, event.question)
      return []
    case 'timePassed':
      return checkAll(state, at, settings)
    default:
      event satisfies never
      return []
  }
}

function note({ some }: Due, space: SpaceId, being: BeingId): void {
  const beings = some.get(space)
  if (beings === undefined) some.set(space, new Set([being]))
  else beings.add(being)
}

/** Spread over a quarter, so that gateways that started together do not ask together. */
function checkAll(state: NewsState, at: Moment, { checkMs }: NewsSettings): readonly NewsEffect[] {
  if (state.checkAtMs > at.nowMs || state.book.size === 0) return []
  state.checkAtMs = at.nowMs + Math.round(checkMs * (1 - at.random / 4))
  for (const being of state.book.beings) (state.book.isAnswered(being) ? state.next.beings : state.first).add(being)
  return []
}

function putBack({ book, first, round }: NewsState, { all, some }: InternalNewsBody): void {
  for (const being of all) (book.isAnswered(being) ? round.beings : first).add(being)
  for (const [space, beings] of Object.entries(some)) for (const being of beings) note(round, space, being)
}

/** Heads may come out of order, and one that is late must not hide what is farther. */
function keepFarthest({ heard }: NewsState, space: SpaceId, position: Position): void {
  const known = heard.get(space)
  if (known === undefined || isBehind(known, position)) heard.set(space, position)
}

function headLearned({ book, next }: NewsState, space: SpaceId, position: Position | undefined): void {
  if (book.headMoved(space, position)) for (const being of book.followersOf(space)) note(next, space, being)
}

function learn(state: NewsState, { all, some }: InternalNewsAnswer): readonly NewsEffect[] {
  const { book, next, heard } = state
  const effects: NewsEffect[] = []
  const movedOn = new Set<SpaceId>()
  const take = (being: BeingId, { frame, outdated, moved, isFull }: Learned): void => {
    for (const space of outdated) note(next, space, being)
    for (const space of moved) movedOn.add(space)
    if (isFull) next.beings.add(being)
    if (frame !== undefined) effects.push({ type: 'tell', being, frame, follower: undefined })
  }
  for (const [being, answer] of Object.entries(all)) take(being, book.learnAll(being, answer))
  const byBeing = new Map<BeingId, [SpaceId, News | null][]>()
  for (const [space, beings] of Object.entries(some))
    for (const [being, news] of Object.entries(beings)) {
      const known = byBeing.get(being)
      if (known === undefined) byBeing.set(being, [[space, news]])
      else known.push([space, news])
    }
  // What comes before the first whole answer is in that one.
  for (const [being, spaces] of byBeing) if (book.isAnswered(being)) take(being, book.learn(being, spaces))
  // A head that is announced later is none that moved, since it is known from the answer to another one.
  for (const space of movedOn) for (const being of book.behindIn(space)) note(next, space, being)
  for (const [space, position] of heard) headLearned(state, space, position)
  heard.clear()
  return effects
}

function askIfDue(state: NewsState, { nowMs }: Moment, { windowMs }: NewsSettings): readonly NewsEffect[] {
  if (state.isAsking || state.notBeforeMs > nowMs) return []
  if (!isDue(state.round) && isDue(state.next) && state.roundBeganAtMs + windowMs <= nowMs) {
    state.round = state.next
    state.next = nothingDue()
    state.roundBeganAtMs = nowMs
  }
  const question = takeQuestion(state)
  if (question === undefined) return []
  state.isAsking = true
  state.heard.clear()
  return [{ type: 'ask', question }]
}

/** As much as one question may hold; who is new comes first, and who has gone is passed over. */
function takeQuestion({ book, first, round }: NewsState): InternalNewsBody | undefined {
  const all = new Set<BeingId>()
  for (const due of [first, round.beings])
    for (const being of due) {
      if (all.size >= NEWS_QUESTION.maxBeings) break
      due.delete(being)
      if (book.isFollowed(being)) all.add(being)
    }
  const some: Record<SpaceId, BeingId[]> = {}
  let room: number = NEWS_QUESTION.maxPairs
  for (const [space, due] of round.some) {
    const asked: BeingId[] = []
    for (const being of due) {
      if (room === 0) break
      due.delete(being)
      if (!book.isFollowed(being)) continue
      asked.push(being)
      room -= 1
    }
    if (due.size === 0) round.some.delete(space)
    if (asked.length > 0) some[space] = asked
    if (room === 0) break
  }
  return all.size === 0 && Object.keys(some).length === 0 ? undefined : { all: [...all], some }
}

function newsWakesAtMs({ round, next, first, ...state }: NewsState, { windowMs }: NewsSettings): number | undefined {
  if (state.book.size === 0 && first.size === 0) return undefined
  if (state.isAsking) return state.checkAtMs
  if (first.size > 0 || isDue(round)) return Math.min(state.notBeforeMs, state.checkAtMs)
  if (!isDue(next)) return state.checkAtMs
  return Math.min(Math.max(state.notBeforeMs, state.roundBeganAtMs + windowMs), state.checkAtMs)
}
