/**
 * What messages and reads bring into a feed: placed, applied in order, split where somebody loses access. The only
 * place where a feed's position moves.
 */
import { type Position } from '@rhizom/protocol'
import { narrows, type Readers, splitByAccess } from './access.ts'
import { keepParked, splice } from './splice.ts'
import { answerWaiting, type FreshRead, withFormerEpoch } from './answer.ts'
import { end, hintAt, type Moment, noteBehind } from './hint.ts'
import type {
  ClosedFeed,
  FeedState,
  HeldSnapshot,
  KeptSnapshot,
  LiveFeed,
  LogAnswer,
  OpenFeed,
  OpeningFeed,
} from './state.ts'
import { append, emptyRing, floorOf } from './ring.ts'
import type { Run } from './run.ts'

/** Takes in a read of the log and answers all whom it helps. */
export function readAnswered(feed: OpenFeed, answer: LogAnswer, moment: Moment): FeedState {
  if (feed.reading.status !== 'underway') return feed
  const { request, turn: readTurn } = feed.reading
  const read: FreshRead = { answer, turn: readTurn }
  const idle: OpenFeed = { ...feed, reading: { status: 'idle' } }
  const taken = idle.status === 'opening' ? open(idle, read, moment) : take(idle, request.after, read, moment)
  if (taken.status === 'closed') return taken
  const absorbed = absorb(taken, [], answer, moment)
  return absorbed.status === 'live' ? answerWaiting(forgetCovered(absorbed, read), read, moment.effects) : absorbed
}

function open(feed: OpeningFeed, read: FreshRead, { settings }: Moment): LiveFeed {
  const { epoch, version, readers, catchUp } = read.answer
  const base = { ...feed, status: 'live', position: { epoch, version }, readers } as const
  if (catchUp.kind === 'snapshot') return { ...base, ring: emptyRing, snapshot: kept(catchUp.snapshot, read) }
  const ring = catchUp.run === undefined ? emptyRing : append(emptyRing, catchUp.run, settings.ring)
  return { ...base, ring, snapshot: undefined }
}

/** Takes what a read brought into a live feed. */
function take(feed: LiveFeed, after: Position | undefined, read: FreshRead, moment: Moment): FeedState {
  const { answer } = read
  const { catchUp, epoch, version } = answer
  const target: Position = { epoch, version }
  const isSameEpoch = epoch === feed.position.epoch
  if (catchUp.kind === 'changes') {
    if (!isSameEpoch) return noteBehind(feed, target, moment)
    return catchUp.run === undefined ? feed : absorb(feed, [catchUp.run], answer, moment)
  }
  const snapshot = kept(catchUp.snapshot, read)
  if (isSameEpoch && version <= feed.position.version) return { ...feed, snapshot: newer(feed, snapshot) }
  const wasOlder = after === undefined || after.version < floorOf(feed.ring, feed.position.version)
  if (isSameEpoch && wasOlder) {
    const readAt = moment.now + moment.settings.reorderGraceMs
    return { ...feed, snapshot, hint: hintAt(feed, target, 'gap', readAt) }
  }
  moment.effects.push({ type: 'note', what: 'reset' })
  if (narrows(feed.readers, answer.readers)) moment.effects.push({ type: 'revoke', readers: answer.readers })
  moment.effects.push({ type: 'reset', snapshot: catchUp.snapshot })
  const formerEpochs = withFormerEpoch(
    feed.formerEpochs.filter((one) => one !== epoch),
    epoch,
    feed.position.epoch,
  )
  const { readers } = answer
  return { ...feed, position: target, readers, ring: emptyRing, snapshot, formerEpochs }
}

const kept = (snapshot: HeldSnapshot, { turn }: FreshRead): KeptSnapshot => ({ ...snapshot, turn })

const newer = (feed: LiveFeed, snapshot: KeptSnapshot): KeptSnapshot =>
  feed.snapshot !== undefined && feed.snapshot.version > snapshot.version ? feed.snapshot : snapshot

/**
 * A read knows all that was committed before it began. Once the feed has all that a read knows, whatever claimed more
 * before that read was stale.
 */
function forgetCovered(feed: LiveFeed, { answer, turn }: FreshRead): LiveFeed {
  const { epoch, version } = feed.position
  if (answer.epoch !== epoch || answer.version > version) return feed
  const isCovered = feed.hint !== undefined && feed.hint.turn < turn
  let { formerEpochs } = feed
  if (isCovered && feed.hint?.target !== undefined)
    formerEpochs = withFormerEpoch(formerEpochs, epoch, feed.hint.target.epoch)
  for (const entry of feed.parked.runs)
    if (entry.turn < turn) formerEpochs = withFormerEpoch(formerEpochs, epoch, entry.run.epoch)
  const parked = keepParked(feed.parked, (entry) => entry.turn >= turn)
  return { ...feed, formerEpochs, parked, hint: isCovered ? undefined : feed.hint }
}

/**
 * Applies what follows of the given runs and those parked. `authority` is a read: it says who may read at its version.
 */
export function absorb(
  feed: OpenFeed,
  runs: readonly Run[],
  authority: LogAnswer | undefined,
  moment: Moment,
): FeedState {
  if (feed.status === 'opening') return feed
  let live: LiveFeed = feed
  const { tail, ahead } = splice(feed.space, feed.position, [...feed.parked.runs.map(({ run }) => run), ...runs])
  for (const run of tail) {
    const next = apply(live, run, authority, moment)
    if (next.status === 'closed') return next
    if (next.position === live.position) return noteBehind(next, { epoch: run.epoch, version: run.to }, moment)
    live = next
  }
  const waits = new Set(ahead)
  const parked = keepParked(live.parked, ({ run }) => waits.has(run) && !live.formerEpochs.includes(run.epoch))
  const adopted = authority === undefined ? live : adopt(live, authority, moment)
  return parked === adopted.parked ? adopted : { ...adopted, parked }
}

function apply(feed: LiveFeed, run: Run, authority: LogAnswer | undefined, moment: Moment): LiveFeed | ClosedFeed {
  if (!run.altersAccess) return advance(feed, run, feed.readers, moment)
  const parts = splitByAccess(feed.space, run, feed.readers)
  if (parts === undefined) {
    if (authority === undefined || run.to > authority.version) return feed
    moment.effects.push({ type: 'revoke', readers: authority.readers })
    return advance(feed, run, authority.readers, moment)
  }
  let live = feed
  for (const part of parts) {
    live = advance(live, part.run, part.readers, moment)
    if (part.effect === 'removed') return end(live, moment)
    if (part.effect === 'narrowed') moment.effects.push({ type: 'revoke', readers: part.readers })
  }
  return live
}

function advance(feed: LiveFeed, run: Run, readers: Readers, moment: Moment): LiveFeed {
  moment.effects.push({ type: 'fanOut', run })
  const ring = append(feed.ring, run, moment.settings.ring)
  return { ...feed, position: { epoch: run.epoch, version: run.to }, ring, readers }
}

/** Takes over what a read says of the readers, if it speaks of the version the feed is at. */
function adopt(feed: LiveFeed, authority: LogAnswer, moment: Moment): LiveFeed {
  if (authority.epoch !== feed.position.epoch || authority.version !== feed.position.version) return feed
  if (narrows(feed.readers, authority.readers)) moment.effects.push({ type: 'revoke', readers: authority.readers })
  return { ...feed, readers: authority.readers }
}
