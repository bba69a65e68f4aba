/**
 * Which page an address leads to, and the addresses of pages. An address is decoded here and nowhere else, once, from
 * the path as the browser has it; links are made here as well, so that both ways agree. Whatever stands in the address
 * bar leads to some page: what cannot be decoded, and a name that is no id of a space, lead to the one that says so.
 */
import { checkValue, type SpaceId, spaceIdCheck } from '@rhizom/protocol'
import { slugOf } from './spaces/slug.ts'

export type Route =
  | { page: 'home' }
  | { page: 'space'; id: SpaceId }
  | { page: 'invite' }
  /** `meant` is the space whose id was written almost, as `lobby` for `@lobby`. */
  | { page: 'not-found'; meant: SpaceId | undefined }

export const HOME_PATH = '/'
/** What it leads to stands behind #. */
export const INVITE_PATH = '/invite'

const SPACE_PATH = /^\/spaces\/([^/]+)\/?$/
/** What somebody writes who has an id in mind. */
const ALMOST_AN_ID = /^[\p{L}\p{N} @_-]+$/u

/** The page that a path leads to, given as in `location.pathname`. */
export function routeOf(pathname: string): Route {
  if (pathname === HOME_PATH) return { page: 'home' }
  if (pathname === INVITE_PATH) return { page: 'invite' }
  const written = decoded(SPACE_PATH.exec(pathname)?.[1] ?? '')
  if (written === undefined) return { page: 'not-found', meant: undefined }
  const id = checkValue(spaceIdCheck, written)
  if (id.ok) return { page: 'space', id: id.value }
  const meant = ALMOST_AN_ID.test(written) ? slugOf(written) : ''
  return { page: 'not-found', meant: meant === '' ? undefined : meant }
}

/** The path to a space. An @ stands as it is, since a path may hold one. */
export const pathToSpace = (id: SpaceId): string => `/spaces/${encodeURIComponent(id).replaceAll('%40', '@')}`

/** undefined where a percent sign begins nothing that can be decoded. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
