/**
 * The queue of mutations, in lanes: those of one space leave in order, one request at a time, and what gathers
 * meanwhile goes together, up to a number and a size. A request whose answer was lost is sent again with the same ids:
 * the server then tells the first outcome. Nothing is given up while there is hope; what cannot succeed becomes an
 * outcome.
 *
 *   idle ─► sending ─► idle                    an answer
 *              │  ▲
 *              ├──┴── waiting                  a backoff; ended by time, a person, or news that the server is back
 *              └────► renewing ─► waiting      the token was turned down
 *
 * Where several pages share what waits, one is the sender; in the others lanes stay idle. `sync/mutation-queue.ts` runs
 * it.
 */
import { backoffMs, type Machine, type Moment, soonest, stay, type Step } from '@rhizom/machine'
import { LIMITS, type MutationId, type MutationResult } from '@rhizom/protocol'
import { nextBatch, wireOf } from './queue-batch.ts'
import {
  idOf,
  isOpen,
  type EntryState,
  type Lane,
  type LaneKey,
  type LaneState,
  type MutationOutcome,
  type QueueEffect,
  type QueueEntry,
  type QueueEvent,
  type QueueState,
  type RequestProblem,
} from './queue-state.ts'
import { BACKOFF } from './times.ts'

type QueueStep = Step<QueueState, QueueEffect>

/** A wait that began later than this before the good news goes on: its request was answered by the same server. */
const FRESH_WAIT_MS = 300

const AUTHENTICATION_CODES: ReadonlySet<string> = new Set(['not-authenticated', 'token-expired'])
/** Nobody of ours answered, or one that could do nothing at the time. */
const AWAY_CODES: ReadonlySet<string> = new Set(['network', 'not-understood', 'unavailable', 'timeout'])

const newLane: Lane = { batchSize: LIMITS.maxMutationsPerBatch, isRenewed: false, state: { status: 'idle' } }
const laneOf = ({ mutation }: QueueEntry): LaneKey => mutation.space

function step(state: QueueState, event: QueueEvent, at: Moment): QueueStep {
  switch (event.type) {
    case 'entriesGiven':
      return stay({ ...state, entries: merge(state, event.entries) })
    case 'sendRequested':
      return sendIdle(state)
    case 'answered':
      return takeAnswer(state, event.lane, event.results, at)
    case 'requestFailed':
      return takeFailure(state, event.lane, event.problem, at)
    case 'tokenRenewed':
    case 'tokenNotRenewed':
      return takeRenewal(state, event, at)
    case 'retryRequested':
      return wake(state, (wait) => at.nowMs >= wait.notBeforeMs)
    case 'withdrawRequested':
      return withdraw(state, event.id)
    case 'senderChanged':
      return sendIdle({ ...state, isSender: event.isSender })
    case 'settledElsewhere':
      return settle(state, [event.outcome], at)
    case 'arrived':
      return stay(arrive(state, new Set(event.ids)))
    case 'refusedGiven': {
      const known = new Set(state.refused.map(idOf))
      const fresh = event.refused.filter((one) => !known.has(idOf(one)))
      return fresh.length === 0 ? stay(state) : stay({ ...state, refused: [...state.refused, ...fresh] })
    }
    case 'refusedDropped':
      return stay({ ...state, refused: state.refused.filter((one) => idOf(one) !== event.id) })
    case 'closeRequested':
      return close(state)
    case 'timePassed':
      return wake(state, (wait) => at.nowMs >= wait.untilMs)
    default:
      return event satisfies never
  }
}

/** What is new, and what is told of those known. How one stands, the page that sends knows best. */
function merge({ entries, isSender }: QueueState, given: readonly QueueEntry[]): readonly QueueEntry[] {
  const all = new Map(entries.map((entry) => [idOf(entry), entry]))
  for (const entry of given) {
    const known = all.get(idOf(entry))
    if (known === undefined) all.set(idOf(entry), entry)
    else
      all.set(idOf(entry), {
        ...known,
        order: entry.order,
        isWithdrawn: known.isWithdrawn || entry.isWithdrawn,
        state: isSender || !isOpen(known) ? known.state : entry.state,
      })
  }
  return [...all.values()].sort((a, b) => a.order - b.order)
}

const withLane = (state: QueueState, key: LaneKey, change: Partial<Lane>): QueueState => ({
  ...state,
  lanes: new Map(state.lanes).set(key, { ...(state.lanes.get(key) ?? newLane), ...change }),
})

function withStates(
  state: QueueState,
  ids: readonly MutationId[],
  next: (before: EntryState) => EntryState,
): QueueState {
  const those = new Set(ids)
  const entries = state.entries.map((entry) =>
    those.has(idOf(entry)) && isOpen(entry) ? { ...entry, state: next(entry.state) } : entry,
  )
  return { ...state, entries }
}

/** Posts what idle lanes hold, if this page is the one to send. */
function sendIdle(state: QueueState): QueueStep {
  if (!state.isSender) return stay(state)
  const keys = new Set(state.entries.filter(isOpen).map(laneOf))
  let result: QueueStep = stay(state)
  for (const key of keys) {
    if ((state.lanes.get(key) ?? newLane).state.status !== 'idle') continue
    const next = post(result.state, key)
    result = { state: next.state, effects: [...result.effects, ...next.effects] }
  }
  return result
}

/** Sends the next batch of a lane, or leaves it idle. */
function post(state: QueueState, key: LaneKey): QueueStep {
  const lane = state.lanes.get(key) ?? newLane
  const open = state.entries.filter((entry) => laneOf(entry) === key && isOpen(entry))
  const batch = state.isSender ? nextBatch(open, lane.batchSize) : []
  if (batch.length === 0) {
    const lanes = new Map(state.lanes)
    lanes.delete(key)
    return stay({ ...state, lanes })
  }
  const ids = batch.map(idOf)
  const sending = withStates(state, ids, (before) => ({
    status: 'sending',
    attempt: 'attempt' in before ? before.attempt : 0,
    problem: 'problem' in before ? before.problem : undefined,
  }))
  return {
    state: withLane(sending, key, { state: { status: 'sending', ids } }),
    effects: [{ type: 'post', lane: key, mutations: batch.map(wireOf) }],
  }
}

const sentIn = (state: QueueState, key: LaneKey): readonly MutationId[] => {
  const lane = state.lanes.get(key)?.state
  return lane?.status === 'sending' || lane?.status === 'renewing' ? lane.ids : []
}

function takeAnswer(state: QueueState, key: LaneKey, results: readonly MutationResult[], at: Moment): QueueStep {
  const ids = sentIn(state, key)
  const answered = new Map(results.map((result) => [result.id, result]))
  const settled = settle(
    state,
    ids.flatMap((id) => outcomeOf(answered.get(id))),
    at,
  )
  const unanswered = ids.filter((id) => !answered.has(id))
  const lane =
    unanswered.length > 0
      ? postpone(settled.state, key, unanswered, 'The server left a mutation unanswered.', 0, false, at)
      : post(withLane(settled.state, key, { ...newLane }), key)
  // One that was answered: the server is back for all.
  const woken = wake(
    lane.state,
    (wait) => wait.isAway && at.nowMs >= Math.max(wait.notBeforeMs, wait.sinceMs + FRESH_WAIT_MS),
  )
  return { state: woken.state, effects: [...settled.effects, ...lane.effects, ...woken.effects] }
}

/** A `duplicate` tells the first outcome, which may have been a rejection. */
function outcomeOf(result: MutationResult | undefined): MutationOutcome[] {
  if (result === undefined) return []
  const { id, error, version } = result
  return [error === undefined ? { status: 'applied', id, version } : { status: 'rejected', id, ...error }]
}

function takeFailure(state: QueueState, key: LaneKey, problem: RequestProblem, at: Moment): QueueStep {
  const ids = sentIn(state, key)
  const lane = state.lanes.get(key) ?? newLane
  if (AUTHENTICATION_CODES.has(problem.code)) {
    if (lane.isRenewed) return refuse(state, key, ids, problem.code, problem.message, at)
    return {
      state: withLane(state, key, { state: { status: 'renewing', ids, problem } }),
      effects: [{ type: 'renewToken', lane: key }],
    }
  }
  const known = withLane(state, key, { isRenewed: false })
  const { message, retryAfterMs } = problem
  if (problem.retry === 'later')
    return postpone(known, key, ids, message, retryAfterMs, AWAY_CODES.has(problem.code), at)
  if (ids.length > 1) return post(withLane(known, key, { batchSize: 1 }), key)
  return refuse(known, key, ids, problem.code, message, at)
}

type Renewal = Extract<QueueEvent, { type: 'tokenRenewed' | 'tokenNotRenewed' }>

function takeRenewal(state: QueueState, event: Renewal, at: Moment): QueueStep {
  const key = event.lane
  const lane = state.lanes.get(key)?.state
  if (lane?.status !== 'renewing') return stay(state)
  const { ids, problem } = lane
  if (event.type === 'tokenRenewed')
    return postpone(withLane(state, key, { isRenewed: true }), key, ids, problem.message, 0, false, at)
  const { message, retryAfterMs } = event
  if (retryAfterMs === undefined) return refuse(state, key, ids, problem.code, message, at)
  return postpone(withLane(state, key, { isRenewed: false }), key, ids, problem.message, retryAfterMs, false, at)
}

/** All of them with one reason, and what comes after them. */
function refuse(
  state: QueueState,
  key: LaneKey,
  ids: readonly MutationId[],
  code: string,
  message: string,
  at: Moment,
): QueueStep {
  const outcomes = ids.map((id): MutationOutcome => ({ status: 'rejected', id, code, message }))
  const settled = settle(state, outcomes, at)
  const next = post(withLane(settled.state, key, { ...newLane, batchSize: laneSize(state, key) }), key)
  return { state: next.state, effects: [...settled.effects, ...next.effects] }
}

const laneSize = (state: QueueState, key: LaneKey): number => (state.lanes.get(key) ?? newLane).batchSize

/** Waits with a backoff. */
function postpone(
  state: QueueState,
  key: LaneKey,
  ids: readonly MutationId[],
  problem: string,
  floorMs: number,
  isAway: boolean,
  at: Moment,
): QueueStep {
  const those = new Set(ids)
  const attempts = state.entries.map((entry) =>
    those.has(idOf(entry)) && 'attempt' in entry.state ? entry.state.attempt : 0,
  )
  const delayMs = backoffMs(BACKOFF, Math.max(0, ...attempts), at.random, floorMs)
  const waiting: LaneState = {
    status: 'waiting',
    sinceMs: at.nowMs,
    notBeforeMs: at.nowMs + floorMs,
    untilMs: at.nowMs + delayMs,
    isAway,
  }
  const marked = withStates(state, ids, (before) => ({
    status: 'unanswered',
    attempt: ('attempt' in before ? before.attempt : 0) + 1,
    problem,
    nextAttemptAtMs: at.dateMs + delayMs,
  }))
  return stay(withLane(marked, key, { state: waiting }))
}

/** Ends the waits that `isOver`. */
function wake(state: QueueState, isOver: (wait: LaneState & { status: 'waiting' }) => boolean): QueueStep {
  let result: QueueStep = stay(state)
  for (const [key, lane] of state.lanes) {
    if (lane.state.status !== 'waiting' || !isOver(lane.state)) continue
    const next = post(result.state, key)
    result = { state: next.state, effects: [...result.effects, ...next.effects] }
  }
  return result
}

const CANCELLED = { code: 'cancelled', message: 'It was taken back.' }
const CLOSED = { code: 'closed', message: 'The page was left.' }

function withdraw(state: QueueState, id: MutationId): QueueStep {
  const entry = state.entries.find((one) => idOf(one) === id)
  if (entry === undefined || !isOpen(entry)) return stay(state)
  // Where another page sends, that may be under way.
  if (state.isSender && entry.state.status === 'unsent')
    return remove(state, entry, { status: 'rejected', id, ...CANCELLED })
  const entries = state.entries.map((one) => (one === entry ? { ...one, isWithdrawn: true } : one))
  return stay({ ...state, entries })
}

const remove = (state: QueueState, entry: QueueEntry, outcome: MutationOutcome): QueueStep => ({
  state: { ...state, entries: state.entries.filter((one) => one !== entry) },
  effects: [{ type: 'settle', entry, outcome }],
})

/** Takes what is settled out; what was applied stays until the stream has brought it. */
function settle(before: QueueState, outcomes: readonly MutationOutcome[], { dateMs }: Moment): QueueStep {
  const effects: QueueEffect[] = []
  let state = before
  for (const told of outcomes) {
    const entry = state.entries.find((one) => idOf(one) === told.id)
    if (entry === undefined || !isOpen(entry)) continue
    const outcome = entry.isWithdrawn && told.status === 'rejected' ? { ...told, ...CANCELLED } : told
    effects.push({ type: 'settle', entry, outcome })
    const { mutation, order } = entry
    if (outcome.status === 'applied' && outcome.version !== undefined && !entry.hasArrived) {
      const applied: QueueEntry = { ...entry, state: { status: 'applied', version: outcome.version } }
      state = { ...state, entries: state.entries.map((one) => (one === entry ? applied : one)) }
      continue
    }
    state = { ...state, entries: state.entries.filter((one) => one !== entry) }
    if (outcome.status === 'applied' || entry.handsBack || outcome.code === CANCELLED.code) continue
    const { code, message } = outcome
    state = { ...state, refused: [...state.refused, { mutation, order, code, message, refusedAtMs: dateMs }] }
  }
  return { state, effects }
}

function arrive(state: QueueState, ids: ReadonlySet<MutationId>): QueueState {
  if (!state.entries.some((entry) => ids.has(idOf(entry)))) return state
  const entries = state.entries
    .filter((entry) => isOpen(entry) || !ids.has(idOf(entry)))
    .map((entry) => (ids.has(idOf(entry)) ? { ...entry, hasArrived: true } : entry))
  return { ...state, entries }
}

/** Hands everything back. What is kept elsewhere is no business of the queue. */
function close(state: QueueState): QueueStep {
  return {
    state: { ...state, entries: [], refused: [], lanes: new Map() },
    effects: state.entries
      .filter(isOpen)
      .map((entry) => ({ type: 'settle', entry, outcome: { status: 'rejected', id: idOf(entry), ...CLOSED } })),
  }
}

const wakesAtMs = ({ lanes }: QueueState): number | undefined =>
  soonest([...lanes.values()].map(({ state }) => (state.status === 'waiting' ? state.untilMs : undefined)))

export const queueMachine: Machine<QueueState, QueueEvent, QueueEffect> = { step, wakesAtMs }
