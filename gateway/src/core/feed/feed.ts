/**
 * One watched space on one gateway: follows its log by the quick copies from the bus, and reads the log itself for
 * whatever those do not bring. States and picture are in state.ts. This is the machine's door; behind it answer.ts
 * decides what subscribers get, log.ts takes in messages and reads, read.ts says when the log is read.
 *
 * After each event `afterEvent` does what is due: answer, refuse those who waited too long, close, read. So a rule
 * is stated once and not at each event that might bring it about.
 */
import { backoffMs, type Machine, type Moment, stay, type TimePassed } from '@rhizom/machine'
import { isBehind, type Position, place, type SpaceId } from '@rhizom/protocol'
import { answerFor, answerWaiting } from './answer.ts'
import { contradicts } from './contradicts.ts'
import { lightened } from './held.ts'
import { inDoubt, withLag } from './lag.ts'
import { applyRuns, readAnswered } from './log.ts'
import { feedWakesAtMs, wantedRead } from './read.ts'
import type { SpaceRefusal } from '../space-refusal.ts'
import type { Run } from './run.ts'
import { nothingParked, park } from './splice.ts'
import type {
  FeedEffect,
  FeedEvent,
  FeedSettings,
  FeedState,
  FeedStep,
  Lag,
  LiveFeed,
  OpenFeed,
  OpeningFeed,
  Reading,
  Waiting,
} from './state.ts'
import { andThen, doing, end, type StepContext } from './step.ts'

/**
 * So long a kept snapshot is given, however long it is the head: those who speak in it and are elsewhere may have
 * another name by then, or be gone, which is no change of this space.
 */
const SNAPSHOT_GIVEN_MS = 10_000

/** A feed that nobody has asked for yet, and the wish to join its channel. */
export function openFeed(space: SpaceId, nowMs: number): FeedStep {
  const state: OpeningFeed = {
    status: 'opening',
    space,
    channel: { status: 'joining', sinceMs: nowMs },
    reading: { status: 'idle' },
    waiting: [],
    audience: { status: 'empty', sinceMs: nowMs },
    parked: nothingParked,
    lag: undefined,
    readSeq: 0,
    formerEpochs: [],
  }
  return doing(state, { type: 'joinChannel' })
}

export const feedMachine = (settings: FeedSettings): Machine<FeedState, FeedEvent, FeedEffect> => ({
  step: (state, event, at) => stepFeed(state, event, at, settings),
  wakesAtMs: (state) => feedWakesAtMs(state, settings),
})

export function stepFeed(
  state: FeedState,
  event: FeedEvent | TimePassed,
  at: Moment,
  settings: FeedSettings,
): FeedStep {
  if (state.status === 'closed') return stay(state)
  const context: StepContext = { at, settings }
  return andThen(receive(state, event, context), (received) => {
    if (received.status === 'closed') return stay(received)
    return afterEvent(received, hasMoved(state, received), context)
  })
}

/** Whether an event may have helped somebody who waits. */
const hasMoved = (before: FeedState, after: OpenFeed): boolean =>
  after.status === 'live' && before.status === 'live' && before.position !== after.position

function receive(feed: OpenFeed, event: FeedEvent | TimePassed, context: StepContext): FeedStep {
  const { nowMs } = context.at
  switch (event.type) {
    case 'subscribed':
      return subscribed(feed, event, nowMs)
    case 'watcherLeft':
      return stay(watcherLeft(feed, event.watcher, event.remaining, nowMs))
    case 'channelJoined':
      return channelJoined(feed)
    case 'channelLost':
      return stay(feed.channel.status === 'lost' ? feed : { ...feed, channel: { status: 'lost' } })
    case 'runReceived':
      return runReceived(feed, event.run, context)
    case 'runUnreadable':
      return stay(headNoted(feed, event.position, 'gap', context))
    case 'headLearned':
      return stay(headNoted(feed, event.position, 'heads', context))
    case 'headMissing':
      return stay(feed.status === 'live' ? withLag(feed, undefined, 'heads', nowMs) : feed)
    case 'memoryWanted':
      return stay(lightened(feed))
    case 'readAnswered':
      return readAnswered(feed, event.answer, context)
    case 'readFailed':
      return stay({ ...feed, reading: backingOff(feed.reading, event.retryAfterMs, context) })
    case 'spaceMissing':
      return spaceMissing(feed)
    case 'timePassed':
      return stay(feed)
    default:
      event satisfies never
      return stay(feed)
  }
}

function subscribed(
  feed: OpenFeed,
  { watcher, being, position }: Extract<FeedEvent, { type: 'subscribed' }>,
  nowMs: number,
): FeedStep<OpenFeed> {
  const waiting: Waiting = { watcher, being, position, askedAtMs: nowMs, readSeq: feed.readSeq }
  const watched: OpenFeed = feed.audience.status === 'watched' ? feed : { ...feed, audience: { status: 'watched' } }
  const known = watched.status === 'live' ? withoutOldSnapshot(watched, nowMs) : watched
  const found = known.status === 'live' ? answerFor(known, waiting) : undefined
  if (found?.type !== 'answered') return stay({ ...known, waiting: [...known.waiting, waiting] })
  return doing(known, { type: 'answer', watchers: [watcher], answer: found.answer })
}

function watcherLeft(feed: OpenFeed, watcher: number, remaining: number, nowMs: number): OpenFeed {
  const isWaiting = feed.waiting.some((one) => one.watcher === watcher)
  const waiting = isWaiting ? feed.waiting.filter((one) => one.watcher !== watcher) : feed.waiting
  if (remaining > 0 || waiting.length > 0 || feed.audience.status === 'empty')
    return isWaiting ? { ...feed, waiting } : feed
  return { ...feed, waiting, audience: { status: 'empty', sinceMs: nowMs } }
}

/** What was committed while the channel was not joined came by no message: ask where the space stands. */
function channelJoined(feed: OpenFeed): FeedStep<OpenFeed> {
  if (feed.channel.status === 'joined') return stay(feed)
  const joined: OpenFeed = { ...feed, channel: { status: 'joined' } }
  const mayHaveMissed = feed.status === 'live' || feed.reading.status === 'underway'
  return mayHaveMissed ? doing(joined, { type: 'checkHead' }) : stay(joined)
}

function runReceived(feed: OpenFeed, run: Run, context: StepContext): FeedStep {
  const target: Position = { epoch: run.epoch, version: run.to }
  if (feed.formerEpochs.includes(run.epoch)) return doing(feed, { type: 'note', what: 'stale' })
  if (feed.status === 'opening') return parkRun(feed, run, target, context)
  const placement = place(feed.position, run)
  if ((placement === 'old' || placement === 'overlaps') && contradicts(feed.ring.runs, run))
    return doing(inDoubt(feed), { type: 'note', what: 'contradiction' })
  switch (placement) {
    case 'old':
      return doing(feed, { type: 'note', what: 'duplicate' })
    case 'follows':
    case 'overlaps':
      return andThen(applyRuns(feed, [run], undefined, context), (next) =>
        stay(
          next.status === 'live' && next.position === feed.position
            ? withLag(next, target, 'gap', context.at.nowMs)
            : next,
        ),
      )
    case 'gap':
    case 'other-epoch':
      return parkRun(feed, run, target, context)
    default:
      placement satisfies never
      return stay(feed)
  }
}

function parkRun(feed: OpenFeed, run: Run, target: Position, { at, settings }: StepContext): FeedStep<OpenFeed> {
  const { parked, outcome } = park(feed.parked, { run, readSeq: feed.readSeq }, settings.parked)
  if (outcome === 'duplicate') return stay(feed)
  const isLate = feed.status === 'live' && feed.position.epoch === run.epoch && outcome === 'parked'
  const readAtMs = isLate ? at.nowMs + settings.reorderGraceMs : at.nowMs
  const what = outcome === 'parked' ? 'parked' : 'parked-overflow'
  return doing(withLag({ ...feed, parked }, target, 'gap', readAtMs), { type: 'note', what })
}

function headNoted(feed: OpenFeed, target: Position, reason: Lag['reason'], context: StepContext): OpenFeed {
  if (feed.formerEpochs.includes(target.epoch)) return feed
  if (feed.status === 'live' && !isBehind(feed.position, target)) return feed
  const { nowMs } = context.at
  const isOther = feed.status === 'live' && feed.position.epoch !== target.epoch
  const readAtMs = isOther || reason === 'gap' ? nowMs : nowMs + context.settings.reorderGraceMs
  return withLag(feed, target, reason, readAtMs)
}

function backingOff(reading: Reading, retryAfterMs: number | undefined, { at, settings }: StepContext): Reading {
  const failures = reading.status === 'idle' ? 0 : reading.failures
  const waitMs = backoffMs(settings.retry, failures, at.random, retryAfterMs)
  return { status: 'backing-off', untilMs: at.nowMs + waitMs, failures: failures + 1 }
}

/**
 * There was no such space when the read began. A subscriber that asked after that may ask for one that was made since:
 * for these the log is read once more.
 */
function spaceMissing(feed: OpenFeed): FeedStep {
  const { reading } = feed
  const later = reading.status === 'underway' ? feed.waiting.filter(({ readSeq }) => readSeq >= reading.seq) : []
  if (later.length === 0) return end(feed)
  const refused = feed.waiting.filter((waiting) => !later.includes(waiting))
  const formerEpochs = feed.status === 'live' ? [...feed.formerEpochs, feed.position.epoch] : feed.formerEpochs
  const { space, channel, audience, readSeq } = feed
  return doing(
    {
      status: 'opening',
      space,
      channel,
      audience,
      readSeq,
      formerEpochs,
      reading: { status: 'idle' },
      waiting: later,
      parked: nothingParked,
      lag: undefined,
    },
    ...refused.map(({ watcher }): FeedEffect => ({ type: 'refuse', watcher, refusal: { code: 'not-found' } })),
    { type: 'end' },
  )
}

function afterEvent(feed: OpenFeed, moved: boolean, context: StepContext): FeedStep {
  const mayAnswer = feed.status === 'live' && (moved || feed.reading.status !== 'underway')
  const answered: FeedStep<OpenFeed> = mayAnswer ? answerWaiting(feed, undefined) : stay(feed)
  const tidied = andThen(answered, (next) => stay(next.status === 'live' ? withoutUseless(next, context) : next))
  const { at, settings } = context
  return andThen(
    andThen(tidied, (next) => refuseOverdue(next, context)),
    (next): FeedStep => {
      const { audience } = next
      if (audience.status === 'empty' && audience.sinceMs + settings.lingerMs <= at.nowMs)
        return doing({ status: 'closed', space: next.space }, { type: 'leaveChannel' })
      return beginRead(next, context)
    },
  )
}

function beginRead(feed: OpenFeed, { at, settings }: StepContext): FeedStep<OpenFeed> {
  const request = wantedRead(feed, at.nowMs, settings)
  if (request === undefined) return stay(withoutPastPause(feed, at.nowMs))
  const failures = feed.reading.status === 'backing-off' ? feed.reading.failures : 0
  const seq = feed.readSeq + 1
  const next: OpenFeed = { ...feed, reading: { status: 'underway', request, seq, failures }, readSeq: seq }
  const isForLag = feed.status === 'live' && feed.lag !== undefined && request.reason === feed.lag.reason
  const what = request.reason === 'heads' ? 'found-behind' : 'gap'
  return doing(next, { type: 'read', request }, ...(isForLag ? [{ type: 'note', what } as const] : []))
}

/** A pause that is over and was followed by no read ends here. */
const withoutPastPause = (feed: OpenFeed, nowMs: number): OpenFeed =>
  feed.reading.status === 'backing-off' && feed.reading.untilMs <= nowMs
    ? { ...feed, reading: { status: 'idle' } }
    : feed

/** Drops a lag whose target is reached, and a snapshot that the next subscriber could not use. */
function withoutUseless(feed: LiveFeed, { settings }: StepContext): LiveFeed {
  const target = feed.lag?.target
  const isLevel = target !== undefined && !isBehind(feed.position, target) && feed.parked.runs.length === 0
  return dropStaleSnapshot(isLevel ? { ...feed, lag: undefined } : feed, settings)
}

function dropStaleSnapshot(feed: LiveFeed, settings: FeedSettings): LiveFeed {
  const { snapshot, position } = feed
  if (snapshot === undefined || feed.waiting.length > 0) return feed
  const isHead = snapshot.epoch === position.epoch && snapshot.version === position.version
  return isHead && snapshot.frame.bytes.length <= settings.maxHeldSnapshotBytes
    ? feed
    : { ...feed, snapshot: undefined }
}

const withoutOldSnapshot = (feed: LiveFeed, nowMs: number): LiveFeed =>
  feed.snapshot === undefined || nowMs < feed.snapshot.keptAtMs + SNAPSHOT_GIVEN_MS
    ? feed
    : { ...feed, snapshot: undefined }

function refuseOverdue(feed: OpenFeed, { at, settings }: StepContext): FeedStep<OpenFeed> {
  const isOverdue = ({ askedAtMs }: Waiting): boolean => askedAtMs + settings.patienceMs <= at.nowMs
  const first = feed.waiting[0]
  if (first === undefined || !isOverdue(first)) return stay(feed)
  const restMs = feed.reading.status === 'backing-off' ? feed.reading.untilMs - at.nowMs : 0
  const refusal: SpaceRefusal = { code: 'unavailable', retryAfterMs: Math.max(1000, restMs) }
  const refusals = feed.waiting
    .filter(isOverdue)
    .map(({ watcher }): FeedEffect => ({ type: 'refuse', watcher, refusal }))
  return doing({ ...feed, waiting: feed.waiting.filter((one) => !isOverdue(one)) }, ...refusals)
}
