/** What is new in one's spaces, as a client holds it; pure. */
import type { News, NewsFrame, SpaceId } from '@rhizom/protocol'

export interface NewsView {
  /** `loading` until the first answer. What was told last stays while there is no connection. */
  status: 'loading' | 'known'
  spaces: ReadonlyMap<SpaceId, News>
  /** Whether one has more spaces than are told. */
  hasMore: boolean
}

export const NO_NEWS: NewsView = { status: 'loading', spaces: new Map(), hasMore: false }

/** How far oneself has marked spaces read, be it confirmed or not. */
export type Marks = ReadonlyMap<SpaceId, number>

/** What a frame makes of it. */
export function newsAfter(view: NewsView, { spaces: told, whole = false, hasMore = false }: NewsFrame): NewsView {
  const spaces = new Map(whole ? [] : view.spaces)
  for (const [space, news] of Object.entries(told)) {
    if (news === null) spaces.delete(space)
    else spaces.set(space, news)
  }
  return { status: whole ? 'known' : view.status, spaces, hasMore: whole ? hasMore : view.hasMore }
}

/** What to show: in what one has marked read up to its end nothing is unread, though that may not be answered yet. */
export function shownNews(view: NewsView, marks: Marks): NewsView {
  const spaces = new Map(view.spaces)
  for (const [space, version] of marks) {
    const news = spaces.get(space)
    if (news !== undefined && news.version <= version && news.unread > 0)
      spaces.set(space, { ...news, unread: 0, mentions: 0 })
  }
  return { ...view, spaces }
}

/** Over all spaces. */
export function totalOf({ spaces }: NewsView): { unread: number; mentions: number } {
  const total = { unread: 0, mentions: 0 }
  for (const { unread, mentions } of spaces.values()) {
    total.unread += unread
    total.mentions += mentions
  }
  return total
}
