/** Hints: what tells a feed that it is behind, joined into the one that it pursues. */
import type { Position } from '@rhizom/protocol'
import type { Hint, OpenFeed } from './state.ts'

/**
 * Joins a hint to the one that stands: the sooner time, the farther target. A target of another epoch, or an unknown
 * one, replaces a target of the feed's epoch: the read that it calls for brings both. Before the feed has an epoch,
 * hints of two epochs make an unknown target.
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
