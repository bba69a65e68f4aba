/** What a feed holds in memory beyond what it needs to follow, and the same feed without it: the log has all of it. */
import type { FeedState, OpenFeed } from './state.ts'
import { emptyRing } from './ring.ts'
import { nothingParked } from './splice.ts'

/** What each run takes beside its bytes. */
const BYTES_OF_A_RUN = 256

export function heldBytes(feed: FeedState): number {
  if (feed.status === 'closed') return 0
  const parked = feed.parked.bytes + feed.parked.runs.length * BYTES_OF_A_RUN
  if (feed.status === 'opening') return parked
  const ring = feed.ring.bytes + feed.ring.runs.length * BYTES_OF_A_RUN
  return parked + ring + (feed.snapshot?.frame.bytes.length ?? 0)
}

/**
 * What was parked is read with the lag that came of it. A snapshot that somebody waits for stays, since
 * it would be read again at once.
 */
export function lightened(feed: OpenFeed): OpenFeed {
  if (feed.status === 'opening') return { ...feed, parked: nothingParked }
  const snapshot = feed.waiting.length > 0 ? feed.snapshot : undefined
  return { ...feed, parked: nothingParked, ring: emptyRing, snapshot }
}
