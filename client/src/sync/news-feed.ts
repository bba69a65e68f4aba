/**
 * Follows what is new in one's spaces, and marks what is read: at once, and then at most once in MARK_WINDOW_MS for
 * each space, the furthest version. A mark that could not be taken is sent again later, and when the connection is
 * back. Loaded when it is needed.
 */
import type { ClientFrameInput, SpaceId } from '@rhizom/protocol'
import type { IncomingFrame } from '../core/incoming.ts'
import { newsAfter, type NewsView, NO_NEWS, shownNews } from '../core/news-view.ts'
import type { Environment } from '../runtime/environment.ts'
import type { Http } from '../runtime/http.ts'
import { createListeners } from './listeners.ts'
import { createThrottleLatest } from './throttle-latest.ts'

export interface NewsFeedDeps {
  environment: Environment
  http: Pick<Http, 'markRead'>
  isLive(): boolean
  send(frames: readonly ClientFrameInput[]): void
}

export interface NewsFeed {
  view(): NewsView
  /** The result stops. */
  follow(listener: () => void): () => void
  markRead(space: SpaceId, version: number): void
  wentLive(): void
  receive(frames: readonly IncomingFrame[]): void
  stop(): void
}

const MARK_WINDOW_MS = 2_000
const RETRY_MS = 5_000

export function createNewsFeed({ environment, http, isLive, send }: NewsFeedDeps): NewsFeed {
  const listeners = createListeners<undefined>(environment, 'a listener to news')
  const throttle = createThrottleLatest(environment, MARK_WINDOW_MS)
  const marks = new Map<SpaceId, number>()
  /** Of marks, what the server has taken. */
  const taken = new Map<SpaceId, number>()
  let told = NO_NEWS
  let shown = NO_NEWS
  let cancelRetry: (() => void) | undefined

  function changed(): void {
    shown = shownNews(told, marks)
    listeners.notify(undefined)
  }

  async function put(space: SpaceId): Promise<void> {
    const version = marks.get(space) ?? 0
    if (version <= (taken.get(space) ?? -1)) return
    const result = await http.markRead(space, version)
    if (result.ok) {
      taken.set(space, Math.max(version, taken.get(space) ?? 0))
      const { unread, mentions } = result.value
      const news = told.spaces.get(space)
      if (news === undefined) return
      told = { ...told, spaces: new Map(told.spaces).set(space, { ...news, unread, mentions }) }
      changed()
    } else if (result.problem.retry === 'later')
      cancelRetry ??= environment.after(Math.max(RETRY_MS, result.problem.retryAfterMs), retry)
    else taken.set(space, version)
  }

  function retry(): void {
    cancelRetry?.()
    cancelRetry = undefined
    for (const space of marks.keys()) throttle.push(space, () => void put(space))
  }

  return {
    view: () => shown,
    follow(listener) {
      if (listeners.isEmpty() && isLive()) send([{ type: 'follow' }])
      const stop = listeners.add(listener)
      listener()
      return stop
    },
    markRead(space, version) {
      if (version <= (marks.get(space) ?? -1)) return
      marks.set(space, version)
      changed()
      throttle.push(space, () => void put(space))
    },
    wentLive() {
      if (!listeners.isEmpty()) send([{ type: 'follow' }])
      if (cancelRetry !== undefined) retry()
    },
    receive(frames) {
      const news = frames.filter((frame) => frame.type === 'news')
      if (news.length === 0) return
      for (const frame of news) told = newsAfter(told, frame)
      changed()
    },
    stop() {
      cancelRetry?.()
      throttle.clear()
    },
  }
}
