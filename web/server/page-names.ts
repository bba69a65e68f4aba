/**
 * The names under which the page is known. A stranger may point a name of theirs at this machine, and to a browser
 * their page is then of one origin with ours: it could read here what it may not. Addresses cannot be pointed, nor can
 * localhost.
 */
import { isIP } from 'node:net'

export type IsKnownName = (hostHeader: string) => boolean

const isLocal = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost')
const isAddress = (name: string): boolean => isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0

/**
 * Judges a Host header by its name alone, since a port may be passed on as another. Without a list every name is known.
 */
export function knowsNames(names: readonly string[] | undefined): IsKnownName {
  if (names === undefined) return () => true
  const known = new Set(names.map((name) => name.toLowerCase()))
  return (hostHeader) => {
    const url = `http://${hostHeader}`
    if (!URL.canParse(url)) return false
    const { hostname } = new URL(url)
    return isLocal(hostname) || isAddress(hostname) || known.has(hostname)
  }
}
