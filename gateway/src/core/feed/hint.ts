/** Hints: what tells a feed that it is behind, joined into the one that it pursues. */
import type { Position } from '@rhizom/protocol'
import type { Hint, LiveFeed, OpenFeed } from './state.ts'

/** Somebody said something else of what is held. Only a read begun after that can tell. */
export const inDoubt = (feed: LiveFeed): LiveFeed => ({ ...feed, doubtedIn: feed.readSeq })

/**
 * Joins a hint to the one that stands: the sooner `readAtMs` and the larger version win. A target of another epoch, or
 * none, replaces one of the feed's epoch, since a read answers both. While the feed opens, hints of two epochs leave
 * no target.
 */
export function withHint<Feed extends OpenFeed>(
  feed: Feed,
  target: Position | undefined,
  reason: Hint['reason'],
  readAtMs: number,
): Feed {
  return { ...feed, hint: joined(feed, target, reason, readAtMs) }
}

function joined(feed: OpenFeed, target: Position | undefined, reason: Hint['reason'], readAtMs: number): Hint {
  const { hint, readSeq } = feed
  if (hint === undefined) return { target, reason, readAtMs, readSeq }
  const soonestMs = Math.min(hint.readAtMs, readAtMs)
  if (feed.status === 'opening' && hint.target?.epoch !== target?.epoch)
    return { ...hint, target: undefined, readAtMs: soonestMs, readSeq }
  const isStrange = target === undefined || (feed.status === 'live' && target.epoch !== feed.position.epoch)
  const isFarther = isStrange || (hint.target?.epoch === target.epoch && hint.target.version < target.version)
  return { ...hint, target: isFarther ? target : hint.target, readAtMs: soonestMs, readSeq }
}
