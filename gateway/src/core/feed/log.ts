/**
 * What messages and reads bring into a feed: placed, applied in order, split where somebody loses access. The only
 * place where a feed's position moves.
 */
import { stay } from '@rhizom/machine'
import type { Position } from '@rhizom/protocol'
import { gives, narrows, type Readers, splitByAccess } from './access.ts'
import { answerWaiting, type FreshRead, withFormerEpoch } from './answer.ts'
import { contradicts } from './contradicts.ts'
import { inDoubt, withLag } from './lag.ts'
import { withoutRemoved } from './erase.ts'
import { append, emptyRing, oldestVersion } from './ring.ts'
import type { Run } from './run.ts'
import { keepParked, splice } from './splice.ts'
import type {
  ClosedFeed,
  FeedEffect,
  FeedStep,
  HeldSnapshot,
  KeptSnapshot,
  LiveFeed,
  LogAnswer,
  OpenFeed,
  OpeningFeed,
  ReadRequest,
} from './state.ts'
import { andThen, doing, end, type StepContext } from './step.ts'

/** Takes in a read of the log and answers all whom it helps. */
export function readAnswered(feed: OpenFeed, answer: LogAnswer, context: StepContext): FeedStep {
  if (feed.reading.status !== 'underway') return stay(feed)
  const { request, seq } = feed.reading
  const read: FreshRead = { answer, seq }
  const idle: OpenFeed = { ...feed, reading: { status: 'idle' } }
  const taken: FeedStep =
    idle.status === 'opening' ? stay(open(idle, read, context)) : take(idle, request, read, context)
  return andThen(taken, (opened): FeedStep => {
    if (opened.status !== 'live') return stay(opened)
    return andThen(applyRuns(opened, [], answer, context), (applied): FeedStep => {
      return applied.status === 'live' ? answerWaiting(forgetCovered(applied, read), read) : stay(applied)
    })
  })
}

function open(feed: OpeningFeed, read: FreshRead, { at, settings }: StepContext): LiveFeed {
  const { epoch, version, readers, catchUp } = read.answer
  const base = { ...feed, status: 'live', position: { epoch, version }, readers, doubtedIn: undefined } as const
  if (catchUp.kind === 'snapshot') return { ...base, ring: emptyRing, snapshot: kept(catchUp.snapshot, read, at.nowMs) }
  const ring = catchUp.run === undefined ? emptyRing : append(emptyRing, catchUp.run, settings.ring)
  return { ...base, ring, snapshot: undefined }
}

/** Takes what a read brought into a live feed. */
function take(feed: LiveFeed, { after, reason }: ReadRequest, read: FreshRead, context: StepContext): FeedStep {
  const { answer } = read
  const { catchUp, epoch, version } = answer
  const target: Position = { epoch, version }
  const { nowMs } = context.at
  const isSameEpoch = epoch === feed.position.epoch
  if (catchUp.kind === 'changes') {
    if (!isSameEpoch) return stay(withLag(feed, target, 'gap', nowMs))
    const { run } = catchUp
    if (run === undefined) return stay(feed)
    return contradicts(feed.ring.runs, run) ? stay(inDoubt(feed)) : applyRuns(feed, [run], answer, context)
  }
  const snapshot = kept(catchUp.snapshot, read, nowMs)
  if (reason === 'doubt') return startOver(feed, target, snapshot, read, context)
  if (isSameEpoch && version <= feed.position.version) return stay({ ...feed, snapshot: newer(feed, snapshot) })
  const wasOlder = after === undefined || after.version < oldestVersion(feed.ring, feed.position.version)
  if (isSameEpoch && wasOlder)
    return stay(withLag({ ...feed, snapshot }, target, 'gap', nowMs + context.settings.reorderGraceMs))
  return reset(feed, target, snapshot, answer.readers)
}

/**
 * What was held is not what the log holds. Whoever follows takes the snapshot, also one of a version that it holds. A
 * doubt that came after the read began stands.
 */
function startOver(
  feed: LiveFeed,
  position: Position,
  snapshot: KeptSnapshot,
  { answer, seq }: FreshRead,
  { at }: StepContext,
): FeedStep<LiveFeed> {
  const { doubtedIn } = feed
  const certain = doubtedIn !== undefined && doubtedIn < seq ? { ...feed, doubtedIn: undefined } : feed
  const level = reset(certain, position, snapshot, answer.readers)
  const isAhead = feed.position.epoch === position.epoch && feed.position.version > position.version
  return isAhead ? { ...level, state: withLag(level.state, feed.position, 'gap', at.nowMs) } : level
}

/** Everybody who follows starts over, from a snapshot of another history or beyond what the log still has. */
function reset(feed: LiveFeed, position: Position, snapshot: KeptSnapshot, readers: Readers): FeedStep<LiveFeed> {
  const former = feed.formerEpochs.filter((one) => one !== position.epoch)
  const formerEpochs = withFormerEpoch(former, position.epoch, feed.position.epoch)
  return doing(
    { ...feed, position, readers, ring: emptyRing, snapshot, formerEpochs },
    { type: 'note', what: 'reset' },
    ...revokeIfNarrowed(feed.readers, readers),
    { type: 'reset', snapshot, replaces: feed.position.epoch === position.epoch },
  )
}

const revokeIfNarrowed = (before: Readers, readers: Readers): FeedEffect[] =>
  narrows(before, readers) ? [{ type: 'revoke', readers }] : []

const kept = (snapshot: HeldSnapshot, { seq }: FreshRead, nowMs: number): KeptSnapshot => ({
  ...snapshot,
  readSeq: seq,
  keptAtMs: nowMs,
})

const newer = (feed: LiveFeed, snapshot: KeptSnapshot): KeptSnapshot =>
  feed.snapshot !== undefined && feed.snapshot.version > snapshot.version ? feed.snapshot : snapshot

/**
 * A read knows all that was committed before it began. Once the feed has all that a read knows, whatever claimed more
 * before that read was stale.
 */
function forgetCovered(feed: LiveFeed, { answer, seq }: FreshRead): LiveFeed {
  const { epoch, version } = feed.position
  if (answer.epoch !== epoch || answer.version > version) return feed
  const isCovered = feed.lag !== undefined && feed.lag.readSeq < seq
  let { formerEpochs } = feed
  if (isCovered && feed.lag?.target !== undefined)
    formerEpochs = withFormerEpoch(formerEpochs, epoch, feed.lag.target.epoch)
  for (const entry of feed.parked.runs)
    if (entry.readSeq < seq) formerEpochs = withFormerEpoch(formerEpochs, epoch, entry.run.epoch)
  const parked = keepParked(feed.parked, (entry) => entry.readSeq >= seq)
  return { ...feed, formerEpochs, parked, lag: isCovered ? undefined : feed.lag }
}

/**
 * Applies what follows of the given runs and those parked. `authority` is a read: it says who may read at its version.
 */
export function applyRuns(
  feed: LiveFeed,
  runs: readonly Run[],
  authority: LogAnswer | undefined,
  context: StepContext,
): FeedStep {
  const { tail, ahead } = splice(feed.space, feed.position, [...feed.parked.runs.map(({ run }) => run), ...runs])
  const effects: FeedEffect[] = []
  let live: LiveFeed = feed
  for (const run of tail) {
    const applied = applyRun(live, run, authority, context)
    effects.push(...applied.effects)
    const next = applied.state
    if (next.status === 'closed') return { state: next, effects }
    if (next.position === live.position) {
      const behind = { epoch: run.epoch, version: run.to }
      return { state: withLag(next, behind, 'gap', context.at.nowMs), effects }
    }
    live = next
  }
  const waits = new Set(ahead)
  const parked = keepParked(live.parked, ({ run }) => waits.has(run) && !live.formerEpochs.includes(run.epoch))
  const known = authority === undefined ? stay(live) : takeReaders(live, authority)
  const state = parked === known.state.parked ? known.state : { ...known.state, parked }
  return { state, effects: [...effects, ...known.effects] }
}

function applyRun(
  feed: LiveFeed,
  run: Run,
  authority: LogAnswer | undefined,
  context: StepContext,
): FeedStep<LiveFeed | ClosedFeed> {
  if (!run.altersAccess) return advance(feed, run, feed.readers, context)
  const parts = splitByAccess(feed.space, run, feed.readers)
  // A message may take access away; the log alone gives it, and says what a message leaves open.
  const isOfLog = authority !== undefined && run.to <= authority.version
  if (!isOfLog && (parts === undefined || parts.some(({ readers }) => gives(feed.readers, readers)))) return stay(feed)
  if (parts === undefined) {
    if (authority === undefined) return stay(feed)
    const revoked = doing(feed, { type: 'revoke', readers: authority.readers })
    return andThen(revoked, (live) => advance(live, run, authority.readers, context))
  }
  let step: FeedStep<LiveFeed> = stay(feed)
  for (const part of parts) {
    step = andThen(step, (live) => advance(live, part.run, part.readers, context))
    if (part.effect === 'removed') return andThen(step, end)
    if (part.effect === 'narrowed')
      step = andThen(step, (live) => doing(live, { type: 'revoke', readers: part.readers }))
  }
  return step
}

function advance(feed: LiveFeed, run: Run, readers: Readers, { settings }: StepContext): FeedStep<LiveFeed> {
  const appended = append(feed.ring, run, settings.ring)
  const position = { epoch: run.epoch, version: run.to }
  const remembered = run.erases
    ? { ring: withoutRemoved(feed.space, appended, run), snapshot: undefined }
    : { ring: appended, snapshot: feed.snapshot }
  return doing({ ...feed, position, ...remembered, readers }, { type: 'fanOut', run })
}

/** Takes over what a read says of the readers, if it speaks of the version the feed is at. */
function takeReaders(feed: LiveFeed, { epoch, version, readers }: LogAnswer): FeedStep<LiveFeed> {
  if (epoch !== feed.position.epoch || version !== feed.position.version) return stay(feed)
  return doing({ ...feed, readers }, ...revokeIfNarrowed(feed.readers, readers))
}
