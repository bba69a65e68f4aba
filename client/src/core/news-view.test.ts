import type { News } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { newsAfter, NO_NEWS, shownNews, totalOf } from './news-view.ts'

const news = (version: number, unread: number, mentions = 0): News => ({ version, unread, mentions })

test('C270 a whole frame voids what was told before, others alter it, null takes a space away', () => {
  const all = newsAfter(NO_NEWS, { type: 'news', whole: true, spaces: { '@a': news(1, 1), '@b': news(2, 2) } })
  expect([all.status, [...all.spaces.keys()]]).toEqual(['known', ['@a', '@b']])
  const later = newsAfter(all, { type: 'news', spaces: { '@a': null, '@c': news(3, 3) } })
  expect(Object.fromEntries(later.spaces)).toEqual({ '@b': news(2, 2), '@c': news(3, 3) })
  const anew = newsAfter(later, { type: 'news', whole: true, hasMore: true, spaces: {} })
  expect(anew).toEqual({ status: 'known', spaces: new Map(), hasMore: true })
  expect(newsAfter(NO_NEWS, { type: 'news', spaces: { '@a': news(1, 1) } }).status).toBe('loading')
})

test('C271 what oneself has marked up to its end is read, whatever was told meanwhile; what came after is not', () => {
  const told = newsAfter(NO_NEWS, { type: 'news', whole: true, spaces: { '@a': news(5, 3, 1), '@b': news(5, 2) } })
  const shown = shownNews(
    told,
    new Map([
      ['@a', 5],
      ['@b', 4],
      ['@none', 9],
    ]),
  )
  expect(Object.fromEntries(shown.spaces)).toEqual({ '@a': news(5, 0), '@b': news(5, 2) })
  expect([totalOf(told), totalOf(shown)]).toEqual([
    { unread: 5, mentions: 1 },
    { unread: 2, mentions: 0 },
  ])
})
