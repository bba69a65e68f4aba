import { spaceIdSchema } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pathToSpace, routeOf } from './route.ts'

const nowhere = { page: 'not-found', meant: undefined }

test.each([
  ['/', { page: 'home' }],
  ['/invite', { page: 'invite' }],
  ['/spaces/@lobby', { page: 'space', id: '@lobby' }],
  ['/spaces/@lobby/', { page: 'space', id: '@lobby' }],
  ['/spaces/%40lobby', { page: 'space', id: '@lobby' }],
  ['/spaces/%', nowhere],
  ['/spaces/%25', nowhere],
  ['/spaces/%25E0', nowhere],
  ['/spaces/%E0', nowhere],
  ['/spaces/%E0%A4%A', nowhere],
  ['/spaces/@a%2Fb', nowhere],
  ['/spaces/@a/b', nowhere],
  ['/spaces/', nowhere],
  ['/spaces', nowhere],
  ['//spaces/@lobby', nowhere],
  ['/elsewhere', nowhere],
  ['', nowhere],
])('W50 %s leads to a page', (pathname, route) => {
  expect(routeOf(pathname)).toEqual(route)
})

test('W50 what has been decoded once is not decoded again', () => {
  expect(routeOf('/spaces/%2540lobby')).toEqual(nowhere)
})

test('W50 whatever stands in the address bar, there is a page, and what it takes for an id is one', () => {
  const piece = fc.oneof(
    fc.constantFrom('/', '//', '/spaces/', '@', '%', '%2', '%25', '%E0', '%2F', '%40', '%00', '?', '#', '\ud800', '日'),
    fc.string({ maxLength: 3 }),
  )
  const anyPath = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
  const anySpacePath = anyPath.map((rest) => `/spaces/${rest}`)
  const browsersPath = anyPath.filter((rest) => rest.isWellFormed()).map((rest) => `/spaces/${encodeURI(rest)}`)
  fc.assert(
    fc.property(fc.oneof(anyPath, anySpacePath, browsersPath), (pathname) => {
      const route = routeOf(pathname)
      const id = route.page === 'space' ? route.id : route.page === 'not-found' ? route.meant : undefined
      expect(id === undefined || spaceIdSchema.safeParse(id).success).toBe(true)
    }),
  )
})

test.each([
  ['/spaces/lobby', '@lobby'],
  ['/spaces/@LOBBY', '@lobby'],
  ['/spaces/%20@lobby', '@lobby'],
  ['/spaces/Reading%20Circle', '@reading-circle'],
])('W52 %s is almost %s, which is offered', (pathname, meant) => {
  expect(routeOf(pathname)).toEqual({ page: 'not-found', meant })
})

test('W51 the path made for a space leads to it', () => {
  expect(pathToSpace('@lobby')).toBe('/spaces/@lobby')
  fc.assert(
    fc.property(fc.stringMatching(/^@[a-z0-9][a-z0-9-]{0,62}$/), (id) => {
      expect(routeOf(new URL(pathToSpace(id), 'https://rhizom.test').pathname)).toEqual({ page: 'space', id })
    }),
  )
})

test('W51 what is no id cannot break out of the path made for it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 10 }), (text) => {
      fc.pre(text !== '.' && text !== '..')
      const url = new URL(pathToSpace(text), 'https://rhizom.test')
      expect([url.origin, url.search, url.hash]).toEqual(['https://rhizom.test', '', ''])
      expect(url.pathname.split('/').length).toBe(3)
    }),
  )
})
