/**
 * What the target of a request asks for, judged before anything is opened or passed on. A path is taken as it stands or
 * not at all: whoever resolves dots, slashes or escapes differently behind this point (a file system, an api, another
 * proxy) must have nothing left to resolve. Browsers send no other paths.
 */

export type Target =
  /** Passed on as it came. */
  | { kind: 'api' | 'sync'; pathAndQuery: string }
  /** A file or an address of the page: the path as it came, and its parts decoded once. */
  | { kind: 'page'; path: string; segments: readonly string[] }
  | { kind: 'refused'; status: 400 | 414; why: string }

export type ForwardedTarget = Extract<Target, { pathAndQuery: string }>

const MAX_LENGTH = 8 * 1024
/** Neither in a path nor in a query: what an url must escape. */
const UNESCAPED = /[^!-~]|#/

/** In a part of a path, once it is decoded. */
const NEVER = /[\\\p{Cc}]/u

const refused = (why: string, status: 400 | 414 = 400): Target => ({ kind: 'refused', status, why })

export function readTarget(target: string): Target {
  if (target.length > MAX_LENGTH) return refused('the address is too long', 414)
  // Also leaves out the absolute form, and the `*` of OPTIONS.
  if (!target.startsWith('/')) return refused('the address has to begin with a slash')
  if (UNESCAPED.test(target)) return refused('the address holds a character that has to be escaped')
  const path = target.split('?', 1)[0] ?? target
  const segments: string[] = []
  for (const raw of path.slice(1).split('/')) {
    const segment = decode(raw)
    if (segment === undefined) return refused('the address is not escaped properly')
    if (NEVER.test(segment)) return refused('the address holds what no address may')
    segments.push(segment)
  }
  // As the most willing reader would divide it, who takes an escaped slash for one.
  const parts = segments.flatMap((segment) => segment.split('/'))
  if (parts.includes('.') || parts.includes('..')) return refused('the address is not in its plain form')
  if (parts.slice(0, -1).includes('')) return refused('the address has an empty part')
  if (path !== '/v1' && !path.startsWith('/v1/')) return { kind: 'page', path, segments }
  if (parts.length > segments.length) return refused('the address has an escaped slash')
  const isSync = path === '/v1/sync' || path.startsWith('/v1/sync/')
  return { kind: isSync ? 'sync' : 'api', pathAndQuery: target }
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
