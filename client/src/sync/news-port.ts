/** News for those who ask for them: what keeps them is loaded when somebody does. */
import type { SpaceId } from '@rhizom/protocol'
import type { IncomingFrame } from '../core/incoming.ts'
import { NO_NEWS, type NewsView } from '../core/news-view.ts'
import type { NewsFeed, NewsFeedDeps } from './news-feed.ts'

/** What a client says of it. */
export interface ClientNews {
  /** What is unread in all one's spaces, as far as it is known. It is followed while somebody listens. */
  news(): NewsView
  /** Told whenever that is another; the result stops. */
  onNews(listener: () => void): () => void
  /**
   * Marks a space read up to a version, on all of one's devices: at once, and then every two seconds the furthest. It
   * only ever grows, and is sent again until the server takes it, for as long as this page lives.
   */
  markRead(space: SpaceId, version: number): void
}

export interface NewsPort {
  ofClient: ClientNews
  wentLive(): void
  receive(frames: readonly IncomingFrame[]): void
  stop(): void
}

export function createNewsPort(deps: NewsFeedDeps): NewsPort {
  let feed: NewsFeed | undefined
  let loading: Promise<void> | undefined
  let isOver = false

  function withFeed(run: (loaded: NewsFeed) => void): void {
    loading ??= import('./news-feed.ts').then(({ createNewsFeed }) => {
      feed = createNewsFeed(deps)
    })
    loading.then(
      () => {
        if (feed !== undefined && !isOver) run(feed)
      },
      (error: unknown) => {
        // The next who asks tries again.
        loading = undefined
        deps.environment.report('news could not be loaded', error)
      },
    )
  }

  const ofClient: ClientNews = {
    news: () => feed?.view() ?? NO_NEWS,
    onNews(listener) {
      let stop: (() => void) | undefined
      let isStopped = false
      withFeed((loaded) => {
        if (!isStopped) stop = loaded.follow(listener)
      })
      return () => {
        isStopped = true
        stop?.()
      }
    },
    markRead: (space, version) => withFeed((loaded) => loaded.markRead(space, version)),
  }
  return {
    ofClient,
    wentLive: () => feed?.wentLive(),
    receive: (frames) => feed?.receive(frames),
    stop() {
      isOver = true
      feed?.stop()
    },
  }
}
