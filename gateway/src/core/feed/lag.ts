/** What a feed knows of its being behind, whatever told it so. */
import type { Position } from '@rhizom/protocol'
import type { Lag, LiveFeed, OpenFeed } from './state.ts'

/** Somebody said something else of what is held. Only a read begun after that can tell. */
export const inDoubt = (feed: LiveFeed): LiveFeed => ({ ...feed, doubtedIn: feed.readSeq })

/**
 * The feed is behind `target`, and perhaps was behind something before: the sooner `readAtMs` and the larger version
 * win. A target of another epoch, or none, replaces one of the feed's epoch. While opening, two epochs give no target.
 */
export function withLag<Feed extends OpenFeed>(
  feed: Feed,
  target: Position | undefined,
  reason: Lag['reason'],
  readAtMs: number,
): Feed {
  return { ...feed, lag: joined(feed, target, reason, readAtMs) }
}

function joined(feed: OpenFeed, target: Position | undefined, reason: Lag['reason'], readAtMs: number): Lag {
  const { lag, readSeq } = feed
  if (lag === undefined) return { target, reason, readAtMs, readSeq }
  const soonestMs = Math.min(lag.readAtMs, readAtMs)
  if (feed.status === 'opening' && lag.target?.epoch !== target?.epoch)
    return { ...lag, target: undefined, readAtMs: soonestMs, readSeq }
  const isStrange = target === undefined || (feed.status === 'live' && target.epoch !== feed.position.epoch)
  const isFarther = isStrange || (lag.target?.epoch === target.epoch && lag.target.version < target.version)
  return { ...lag, target: isFarther ? target : lag.target, readAtMs: soonestMs, readSeq }
}
