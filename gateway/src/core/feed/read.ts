/**
 * When a feed reads the log, and what it asks for: one read at a time, the gap of those who follow before the wishes
 * of those who wait, and one read for all who need the same.
 */
import type { Position } from '@rhizom/protocol'
import { type Need, answerFor } from './answer.ts'
import type { FeedSettings, FeedState, LiveFeed, OpenFeed, OpeningFeed, ReadRequest, Waiting } from './state.ts'

const mayReadLog = (feed: OpenFeed, nowMs: number): boolean =>
  feed.reading.status === 'idle' || (feed.reading.status === 'backing-off' && feed.reading.untilMs <= nowMs)

const lowest = (positions: readonly Position[]): Position | undefined => {
  const first = positions[0]
  if (first === undefined) return undefined
  const version = Math.min(...positions.filter((one) => one.epoch === first.epoch).map((one) => one.version))
  return { epoch: first.epoch, version }
}

const positionsOf = (waiting: readonly Waiting[]): readonly Position[] =>
  waiting.flatMap(({ position }) => (position === undefined ? [] : [position]))

/** Until when an opening feed holds back its first read, so that nothing falls between the read and the channel. */
const channelAwaitedUntilMs = (feed: OpenFeed, settings: FeedSettings): number | undefined =>
  feed.status === 'opening' && feed.channel.status === 'joining'
    ? feed.channel.sinceMs + settings.joinTimeoutMs
    : undefined

function wantedByOpening(feed: OpeningFeed, nowMs: number, settings: FeedSettings): ReadRequest | undefined {
  if (feed.waiting.length === 0 || nowMs < (channelAwaitedUntilMs(feed, settings) ?? nowMs)) return undefined
  return { after: lowest(positionsOf(feed.waiting)), reason: 'open' }
}

function wantedByWaiting(feed: LiveFeed): ReadRequest | undefined {
  const kinds = new Set<Need['kind']>()
  const starts: Position[] = []
  for (const waiting of feed.waiting) {
    const found = answerFor(feed, waiting)
    if (found.type !== 'needs') continue
    kinds.add(found.need.kind)
    if (found.need.kind === 'changes') starts.push(found.need.after)
  }
  const after = lowest(starts)
  if (after !== undefined) return { after, reason: 'resume' }
  if (kinds.has('level')) return { after: feed.position, reason: 'resume' }
  if (kinds.has('snapshot')) return { after: undefined, reason: 'snapshot' }
  return undefined
}

/** The read to begin now, if any. */
export function wantedRead(feed: OpenFeed, nowMs: number, settings: FeedSettings): ReadRequest | undefined {
  if (!mayReadLog(feed, nowMs)) return undefined
  if (feed.status === 'opening') return wantedByOpening(feed, nowMs, settings)
  const { lag } = feed
  if (feed.doubtedIn !== undefined && feed.audience.status === 'watched') return { after: undefined, reason: 'doubt' }
  if (lag !== undefined && lag.readAtMs <= nowMs && feed.audience.status === 'watched')
    return { after: feed.position, reason: lag.reason }
  return feed.waiting.length === 0 ? undefined : wantedByWaiting(feed)
}

/** When the feed has to be stepped if nothing happens before. */
export function feedWakesAtMs(feed: FeedState, settings: FeedSettings): number | undefined {
  if (feed.status === 'closed') return undefined
  const times: number[] = []
  const isWanted = feed.waiting.length > 0 || (feed.status === 'live' && feed.audience.status === 'watched')
  const first = feed.waiting[0]
  if (first !== undefined) times.push(first.askedAtMs + settings.patienceMs)
  if (feed.audience.status === 'empty') times.push(feed.audience.sinceMs + settings.lingerMs)
  const channelAt = channelAwaitedUntilMs(feed, settings)
  if (channelAt !== undefined && feed.waiting.length > 0 && feed.reading.status === 'idle') times.push(channelAt)
  if (isWanted && feed.reading.status === 'backing-off') times.push(feed.reading.untilMs)
  if (feed.status === 'live' && isWanted && feed.reading.status === 'idle' && feed.lag !== undefined)
    times.push(feed.lag.readAtMs)
  return times.length === 0 ? undefined : Math.min(...times)
}
