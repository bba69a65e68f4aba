/**
 * What an address is counted as where addresses are limited: an IPv4 address stands for itself, in whatever way it is
 * written, an IPv6 one for its /64, within which its owner may change it at will. Which address is the client's is
 * decided by TRUST_PROXY.
 */
import { isIPv6 } from 'node:net'

const GROUPS = 8
const NETWORK_GROUPS = 4
/** ::ffff:0:0/96, the IPv4 addresses. */
const MAPPED = '0:0:0:0:0:ffff'
const DOTTED = /:(\d+)\.(\d+)\.(\d+)\.(\d+)$/

/** Some proxies say the port as well: 192.0.2.7:4711, [2001:db8::1]:4711. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|([^:]+):\d+)$/

export function networkOf(said: string): string {
  const [, bracketed, plain] = WITH_PORT.exec(said) ?? []
  const address = bracketed ?? plain ?? said
  if (!isIPv6(address)) return address
  const groups = groupsOf(address)
  const [high = 0, low = 0] = groups.slice(-2)
  if (textOf(groups.slice(0, -2)) === MAPPED) return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
  return `${textOf(groups.slice(0, NETWORK_GROUPS))}::/64`
}

/**
 * The client's address behind `proxies` proxies of ours: each appends the address it saw to X-Forwarded-For. Several
 * lines of that header are one list.
 */
export function clientAddress(peer: string, forwardedFor: string, proxies: number): string {
  if (proxies === 0) return peer
  const hops = forwardedFor.split(',').map((hop) => hop.trim())
  const client = hops.at(-proxies)
  return client === undefined || client === '' ? peer : client
}

const textOf = (groups: readonly number[]): string => groups.map((group) => group.toString(16)).join(':')

/** The eight numbers of an IPv6 address, without its zone. */
function groupsOf(address: string): number[] {
  const hexadecimal = address.replace(/%.*$/, '').replace(DOTTED, (_dotted, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number)
    return `:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [head = [], tail = []] = hexadecimal
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''))
    .map((part) => part.map((group) => Number.parseInt(group, 16)))
  const zeros = Array.from({ length: GROUPS - head.length - tail.length }, () => 0)
  return [...head, ...zeros, ...tail]
}
