/**
 * Hints: what tells a feed that it is behind, joined into one. And the ways a step ends that several files share.
 */
import type { Position } from '@rhizom/protocol'
import type { ClosedFeed, FeedEffect, FeedSettings, Hint, OpenFeed } from './state.ts'

/** When a step happens, and what it gathers besides the next state. */
export interface Moment {
  now: number
  settings: FeedSettings
  effects: FeedEffect[]
}

/**
 * Joins a hint to the one that stands: the sooner time, the farther target. One that cannot be compared (of another
 * epoch, or unknown) stands in front of those that can, because the read it calls for brings all of them. Before the feed has
 * an epoch, hints of two epochs make an unknown one.
 */
export function hintAt(feed: OpenFeed, target: Position | undefined, reason: Hint['reason'], readAt: number): Hint {
  const { hint, turn } = feed
  if (hint === undefined) return { target, reason, readAt, turn }
  if (feed.status === 'opening' && hint.target?.epoch !== target?.epoch)
    return { ...hint, target: undefined, readAt: Math.min(hint.readAt, readAt), turn }
  const isStrange = target === undefined || (feed.status === 'live' && target.epoch !== feed.position.epoch)
  const isFarther = isStrange || (hint.target?.epoch === target.epoch && hint.target.version < target.version)
  return { ...hint, target: isFarther ? target : hint.target, readAt: Math.min(hint.readAt, readAt), turn }
}

/** Notes that the log surely has more. */
export const noteBehind = (feed: OpenFeed, target: Position, moment: Moment): OpenFeed => ({
  ...feed,
  hint: hintAt(feed, target, 'gap', moment.now),
})

/** The space is gone. */
export function end(feed: OpenFeed, moment: Moment): ClosedFeed {
  for (const { watcher } of feed.waiting) moment.effects.push({ type: 'refuse', watcher, code: 'not-found' })
  moment.effects.push({ type: 'end' }, { type: 'leaveChannel' })
  return { status: 'closed', space: feed.space }
}
