/**
 * One watched space on one gateway: follows its log by the quick copies from the bus, and reads the log itself for
 * whatever those do not bring. Words and picture are in feed-state.ts; feed-answer.ts decides what subscribers get,
 * feed-read.ts when the log is read.
 *
 * What messages and reads bring is taken in by feed-log.ts. After each event `settle` does what is due: answer, give up on those who waited too long, close, read. So a rule is
 * stated once and not at each event that might bring it about.
 */
import { isBehind, type Position, place, type SpaceId } from '@rhizom/protocol'
import { backoffMs } from '../backoff.ts'
import { nothingParked, park } from './splice.ts'
import { answerWaiting, verdictOn } from './answer.ts'
import { end, hintAt, type Moment, noteBehind } from './hint.ts'
import { absorb, readAnswered } from './log.ts'
import { wantedRead } from './read.ts'
import type {
  FeedEvent,
  FeedSettings,
  FeedState,
  FeedStep,
  Hint,
  LiveFeed,
  OpenFeed,
  OpeningFeed,
  Reading,
  Waiting,
} from './state.ts'
import type { Run } from './run.ts'

/** A feed that nobody has asked for yet, and the wish to join its channel. */
export function openFeed(space: SpaceId, now: number): FeedStep {
  const state: OpeningFeed = {
    status: 'opening',
    space,
    channel: { status: 'joining', since: now },
    reading: { status: 'idle' },
    waiting: [],
    audience: { status: 'empty', since: now },
    parked: nothingParked,
    hint: undefined,
    turn: 0,
    formerEpochs: [],
  }
  return { state, effects: [{ type: 'joinChannel' }] }
}

export function stepFeed(state: FeedState, event: FeedEvent, now: number, settings: FeedSettings): FeedStep {
  if (state.status === 'closed') return { state, effects: [] }
  const moment: Moment = { now, settings, effects: [] }
  const received = receive(state, event, moment)
  if (received.status === 'closed') return { state: received, effects: moment.effects }
  const next = settle(hasMoved(state, received) ? answerWaiting(received, undefined, moment.effects) : received, moment)
  return { state: next, effects: moment.effects }
}

/** Whether an event may have helped somebody who waits. */
const hasMoved = (before: FeedState, after: OpenFeed): after is LiveFeed =>
  after.status === 'live' && before.status === 'live' && before.position !== after.position

function receive(feed: OpenFeed, event: FeedEvent, moment: Moment): FeedState {
  switch (event.type) {
    case 'subscribed':
      return subscribed(feed, event, moment)
    case 'watcherLeft':
      return watcherLeft(feed, event.watcher, event.members, moment)
    case 'channelJoined':
      return channelJoined(feed, moment)
    case 'channelLost':
      return feed.channel.status === 'lost' ? feed : { ...feed, channel: { status: 'lost' } }
    case 'runReceived':
      return runReceived(feed, event.run, moment)
    case 'runUnreadable':
      return headNoted(feed, event.position, 'gap', moment)
    case 'headLearned':
      return headNoted(feed, event.position, 'heads', moment)
    case 'headMissing':
      return feed.status === 'live' ? { ...feed, hint: hintAt(feed, undefined, 'heads', moment.now) } : feed
    case 'readAnswered':
      return readAnswered(feed, event.answer, moment)
    case 'readFailed':
      return { ...feed, reading: backingOff(feed.reading, event.random, event.retryAfterMs, moment) }
    case 'spaceMissing':
      return end(feed, moment)
    case 'ticked':
      return feed
    default:
      event satisfies never
      return feed
  }
}

function subscribed(feed: OpenFeed, event: Extract<FeedEvent, { type: 'subscribed' }>, moment: Moment): OpenFeed {
  const { watcher, being, position } = event
  const waiting: Waiting = { watcher, being, position, askedAt: moment.now, turn: feed.turn }
  const present: OpenFeed = feed.audience.status === 'present' ? feed : { ...feed, audience: { status: 'present' } }
  const verdict = present.status === 'live' ? verdictOn(present, waiting) : undefined
  if (verdict?.type !== 'answered') return { ...present, waiting: [...present.waiting, waiting] }
  moment.effects.push({ type: 'answer', watchers: [watcher], answer: verdict.answer })
  return present
}

function watcherLeft(feed: OpenFeed, watcher: number, members: number, moment: Moment): OpenFeed {
  const isWaiting = feed.waiting.some((one) => one.watcher === watcher)
  const waiting = isWaiting ? feed.waiting.filter((one) => one.watcher !== watcher) : feed.waiting
  if (members > 0 || waiting.length > 0 || feed.audience.status === 'empty')
    return isWaiting ? { ...feed, waiting } : feed
  return { ...feed, waiting, audience: { status: 'empty', since: moment.now } }
}

/** What was committed while the channel was not joined came by no message: ask where the space stands. */
function channelJoined(feed: OpenFeed, moment: Moment): OpenFeed {
  if (feed.channel.status === 'joined') return feed
  if (feed.status === 'live' || feed.reading.status === 'underway') moment.effects.push({ type: 'checkHead' })
  return { ...feed, channel: { status: 'joined' } }
}

function runReceived(feed: OpenFeed, run: Run, moment: Moment): FeedState {
  const target: Position = { epoch: run.epoch, version: run.to }
  if (feed.formerEpochs.includes(run.epoch)) {
    moment.effects.push({ type: 'note', what: 'stale' })
    return feed
  }
  if (feed.status === 'opening') return parkRun(feed, run, target, moment)
  const placement = place(feed.position, run)
  switch (placement) {
    case 'old':
      moment.effects.push({ type: 'note', what: 'duplicate' })
      return feed
    case 'follows':
    case 'overlaps': {
      const next = absorb(feed, [run], undefined, moment)
      return next.status === 'live' && next.position === feed.position ? noteBehind(next, target, moment) : next
    }
    case 'gap':
    case 'other-epoch':
      return parkRun(feed, run, target, moment)
    default:
      placement satisfies never
      return feed
  }
}

function parkRun(feed: OpenFeed, run: Run, target: Position, moment: Moment): OpenFeed {
  const { parked, outcome } = park(feed.parked, { run, turn: feed.turn }, moment.settings.parked)
  if (outcome === 'duplicate') return feed
  moment.effects.push({ type: 'note', what: outcome === 'parked' ? 'parked' : 'parked-overflow' })
  const isLate = feed.status === 'live' && feed.position.epoch === run.epoch && outcome === 'parked'
  const readAt = isLate ? moment.now + moment.settings.reorderGraceMs : moment.now
  return { ...feed, parked, hint: hintAt(feed, target, 'gap', readAt) }
}

function headNoted(feed: OpenFeed, target: Position, reason: Hint['reason'], moment: Moment): OpenFeed {
  if (feed.formerEpochs.includes(target.epoch)) return feed
  if (feed.status === 'live' && !isBehind(feed.position, target)) return feed
  const isOther = feed.status === 'live' && feed.position.epoch !== target.epoch
  const readAt = isOther || reason === 'gap' ? moment.now : moment.now + moment.settings.reorderGraceMs
  return { ...feed, hint: hintAt(feed, target, reason, readAt) }
}

function backingOff(reading: Reading, random: number, retryAfterMs: number | undefined, moment: Moment): Reading {
  const attempt = reading.status === 'idle' ? 0 : reading.attempt
  const wait = backoffMs(moment.settings.retry, attempt, random, retryAfterMs)
  return { status: 'backing-off', until: moment.now + wait, attempt: attempt + 1 }
}

function settle(feed: OpenFeed, moment: Moment): FeedState {
  let next: OpenFeed = feed
  if (next.status === 'live' && next.reading.status !== 'underway')
    next = answerWaiting(next, undefined, moment.effects)
  if (next.status === 'live') next = settleLive(next, moment)
  next = loseOverdue(next, moment)
  if (next.audience.status === 'empty' && next.audience.since + moment.settings.lingerMs <= moment.now) {
    moment.effects.push({ type: 'leaveChannel' })
    return { status: 'closed', space: next.space }
  }
  const request = wantedRead(next, moment.now, moment.settings)
  if (request === undefined) return rest(next, moment)
  const attempt = next.reading.status === 'backing-off' ? next.reading.attempt : 0
  moment.effects.push({ type: 'read', request })
  if (next.status === 'live' && next.hint !== undefined && request.reason === next.hint.reason)
    moment.effects.push({ type: 'note', what: request.reason === 'heads' ? 'found-behind' : 'gap' })
  const reading: Reading = { status: 'underway', request, startedAt: moment.now, turn: next.turn + 1, attempt }
  return { ...next, reading, turn: next.turn + 1 }
}

/** A pause that is over and was followed by no read ends here. */
function rest(feed: OpenFeed, { now }: Moment): OpenFeed {
  return feed.reading.status === 'backing-off' && feed.reading.until <= now
    ? { ...feed, reading: { status: 'idle' } }
    : feed
}

/** Lets go of a hint that came true and of a snapshot that is of no use to whoever asks next. */
function settleLive(feed: LiveFeed, { settings }: Moment): LiveFeed {
  const target = feed.hint?.target
  const isLevel = target !== undefined && !isBehind(feed.position, target) && feed.parked.runs.length === 0
  return letSnapshotGo(isLevel ? { ...feed, hint: undefined } : feed, settings)
}

function letSnapshotGo(feed: LiveFeed, settings: FeedSettings): LiveFeed {
  const { snapshot, position } = feed
  if (snapshot === undefined || feed.waiting.length > 0) return feed
  const isHead = snapshot.epoch === position.epoch && snapshot.version === position.version
  return isHead && snapshot.body.length <= settings.maxHeldSnapshotBytes ? feed : { ...feed, snapshot: undefined }
}

function loseOverdue(feed: OpenFeed, moment: Moment): OpenFeed {
  const { patienceMs } = moment.settings
  const first = feed.waiting[0]
  if (first === undefined || first.askedAt + patienceMs > moment.now) return feed
  const restMs = feed.reading.status === 'backing-off' ? feed.reading.until - moment.now : 0
  const retryAfterMs = Math.max(1000, restMs)
  const waiting = feed.waiting.filter((one) => one.askedAt + patienceMs > moment.now)
  for (const { watcher, askedAt } of feed.waiting)
    if (askedAt + patienceMs <= moment.now)
      moment.effects.push({ type: 'refuse', watcher, code: 'unavailable', retryAfterMs })
  return { ...feed, waiting }
}
