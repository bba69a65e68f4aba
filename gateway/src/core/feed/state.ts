/**
 * The states, events and effects of the feed machine (feed.ts): one watched space on one gateway.
 *
 *            subscribed              read answered
 *   (made) ───────────► opening ───────────────────► live ───────► closed
 *                          │   nobody left for a while · space gone   ▲
 *                          └──────────────────────────────────────────┘
 *
 * A live feed holds a position and everything up to it. What tells it that there is more (a message beyond a gap, a
 * head ahead, a message of another epoch) leaves it with a lag, until a read of the log has brought it level.
 */
import type { Backoff, Step } from '@rhizom/machine'
import type { BeingId, Epoch, Id, Position, SpaceId } from '@rhizom/protocol'
import type { SpaceRefusal } from '../space-refusal.ts'
import type { Readers } from './access.ts'
import type { OpenFrame } from './open-frame.ts'
import type { Parked, ParkedLimits } from './splice.ts'
import type { Ring, RingLimits } from './ring.ts'
import type { Run } from './run.ts'

/** Names a subscription on this gateway; the feed knows no more of connections. */
export type WatcherId = Id<'watcher', number>

/** Somebody who subscribed and has no answer yet. */
export interface Waiting {
  watcher: WatcherId
  being: BeingId
  /** Where it stands. Without one, or once the log cannot serve it, it gets a snapshot. */
  position: Position | undefined
  askedAtMs: number
  /** The last read begun before it asked: a later one knows everything that was committed before it asked. */
  readSeq: number
}

/** The space's channel on the bus. `lost` reads without it; the heads poll stands in. */
export type Channel = { status: 'joining'; sinceMs: number } | { status: 'joined' } | { status: 'lost' }

export type ReadReason = 'open' | 'gap' | 'resume' | 'snapshot' | 'heads' | 'doubt'

/** Without `after`: a snapshot. */
export interface ReadRequest {
  after: Position | undefined
  reason: ReadReason
}

/** At most one read at a time per feed. */
export type Reading =
  | { status: 'idle' }
  | { status: 'underway'; request: ReadRequest; seq: number; failures: number }
  | { status: 'backing-off'; untilMs: number; failures: number }

/** Why the feed believes that it is behind. `target` is unknown where a space seems to be gone. */
export interface Lag {
  target: Position | undefined
  reason: 'gap' | 'heads'
  /** Not before this is the log read: another api node's message may just be late. */
  readAtMs: number
  /** The last read begun before it came: a later one covers it. */
  readSeq: number
}

export type Audience = { status: 'watched' } | { status: 'empty'; sinceMs: number }

/** A snapshot as the frame that clients get. */
export interface HeldSnapshot {
  epoch: Epoch
  version: number
  frame: OpenFrame
}

/** Serves those who asked before its read began, and others while it is the head. */
export interface KeptSnapshot extends HeldSnapshot {
  /** That of the read that brought it. */
  readSeq: number
  keptAtMs: number
}

interface Common {
  space: SpaceId
  channel: Channel
  reading: Reading
  waiting: readonly Waiting[]
  audience: Audience
  parked: Parked
  lag: Lag | undefined
  /** Counts reads, so that what was asked before one began is told from what was asked after. */
  readSeq: number
  /** Epochs known to be over: what still speaks of them is stale. */
  formerEpochs: readonly Epoch[]
}

export type OpeningFeed = Common & { status: 'opening' }
export type LiveFeed = Common & {
  status: 'live'
  position: Position
  ring: Ring
  readers: Readers
  snapshot: KeptSnapshot | undefined
  /** Something else was said of a version that is held: the last read begun before that. A snapshot settles it. */
  doubtedIn: number | undefined
}
export type ClosedFeed = { status: 'closed'; space: SpaceId }
export type OpenFeed = OpeningFeed | LiveFeed
export type FeedState = OpenFeed | ClosedFeed

/** What the log answered. `run` is missing where there is no change after the position asked for. */
export interface LogAnswer {
  epoch: Epoch
  version: number
  readers: Readers
  catchUp: { kind: 'changes'; from: number; run: Run | undefined } | { kind: 'snapshot'; snapshot: HeldSnapshot }
}

export type FeedEvent =
  | { type: 'subscribed'; watcher: WatcherId; being: BeingId; position: Position | undefined }
  /** `remaining` counts the watchers who are still there. */
  | { type: 'watcherLeft'; watcher: WatcherId; remaining: number }
  | { type: 'channelJoined' }
  | { type: 'channelLost' }
  | { type: 'runReceived'; run: Run }
  /** A message whose header was understood and whose frame was not. */
  | { type: 'runUnreadable'; position: Position }
  | { type: 'headLearned'; position: Position }
  /** The api knows no such space. */
  | { type: 'headMissing' }
  /** The gateway holds too much: what the log can give again is to go. */
  | { type: 'memoryWanted' }
  | { type: 'readAnswered'; answer: LogAnswer }
  | { type: 'readFailed'; retryAfterMs: number | undefined }
  | { type: 'spaceMissing' }

export type Answer =
  | { kind: 'resumed'; epoch: Epoch; from: number; to: number; runs: readonly Run[]; source: 'ring' | 'log' }
  | { kind: 'snapshot'; snapshot: HeldSnapshot; tail: readonly Run[]; source: 'cache' | 'log' }

export type FeedEffect =
  | { type: 'joinChannel' }
  | { type: 'leaveChannel' }
  | { type: 'read'; request: ReadRequest }
  /** Ask the api where this space stands, soon. */
  | { type: 'checkHead' }
  /** Answer these and let them follow from here. */
  | { type: 'answer'; watchers: readonly WatcherId[]; answer: Answer }
  | { type: 'refuse'; watcher: WatcherId; refusal: SpaceRefusal }
  | { type: 'fanOut'; run: Run }
  /** Those who may not read any more get nothing from here on. */
  | { type: 'revoke'; readers: Readers }
  /** All who follow start over from this snapshot; `replaces` what they hold of the same history. */
  | { type: 'reset'; snapshot: HeldSnapshot; replaces: boolean }
  /** The space is gone: tell all who follow. */
  | { type: 'end' }
  | { type: 'note'; what: FeedNote }

/** For metrics and logs. */
export type FeedNote =
  | 'gap'
  | 'stale'
  | 'duplicate'
  | 'contradiction'
  | 'parked'
  | 'parked-overflow'
  | 'reset'
  | 'found-behind'

export interface FeedSettings {
  ring: RingLimits
  parked: ParkedLimits
  /** How long a missing message may be late before the log is read. */
  reorderGraceMs: number
  /** How long to wait for the channel before reading without it. */
  joinTimeoutMs: number
  /** How long a subscriber waits for its answer before it is told to come back. */
  patienceMs: number
  lingerMs: number
  retry: Backoff
  /** A larger snapshot is not kept. */
  maxHeldSnapshotBytes: number
}

export type FeedStep<State extends FeedState = FeedState> = Step<State, FeedEffect>
