/** Where the parts of the local system are reached: urls, and the origins that a browser may give the page. */
import { createServer } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'

const LOOPBACK = ['127.0.0.1', 'localhost', '::1']
const WILDCARDS = ['0.0.0.0', '::']

/** As a host stands in an url: an address of version 6 in brackets. */
const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** The address that another program on this machine calls, also where a part listens on all of them. */
export const urlFor = (host: string, port: number): string =>
  `http://${WILDCARDS.includes(host) ? '127.0.0.1' : inUrl(host)}:${port}`

/** Where nodes listen for whoever runs them: on this machine alone, unless the environment says otherwise. */
export const internalHost = ({ INTERNAL_HOST }: NodeJS.ProcessEnv): string =>
  INTERNAL_HOST === undefined || INTERNAL_HOST === '' ? '127.0.0.1' : INTERNAL_HOST

export const portOf = (url: string): string => new URL(url).port

/** Every address and name by which a browser may know the page that listens on a host. */
function namesOf(host: string): string[] {
  if (LOOPBACK.includes(host)) return LOOPBACK
  if (!WILDCARDS.includes(host)) return [host]
  return [...LOOPBACK, ...addressesOf(host), hostname()]
}

/** Of this machine in its networks, as far as a wildcard covers them. */
export function addressesOf(wildcard: string): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .filter(({ internal, family }) => !internal && (wildcard === '::' || family === 'IPv4'))
    .map(({ address }) => address)
    .filter((address) => !isOfOneLink(address))
}

/** Such an address needs the name of an interface, which an url cannot hold. */
const isOfOneLink = (address: string): boolean => address.toLowerCase().startsWith('fe80:')

/** Origins from which a browser may come to a page on this host. */
export function originsFor(host: string, port: string): string[] {
  const urls = namesOf(host).map((name) => `http://${inUrl(name)}:${port}`)
  return [...new Set(urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).origin))]
}

/** The names in a list of origins, likewise separated by commas; undefined where it allows any. */
export function namesIn(origins: string): string | undefined {
  const all = origins.split(',').map((origin) => origin.trim())
  if (all.includes('*')) return undefined
  return all.flatMap((origin) => (URL.canParse(origin) ? [new URL(origin).hostname] : [])).join(',')
}

/** Further addresses of the page, where it listens on all of them. */
export const otherUrls = (host: string, port: string): string[] =>
  WILDCARDS.includes(host) ? addressesOf(host).map((address) => `http://${inUrl(address)}:${port}`) : []

/** Undefined when a program can listen on this host here, else why not. */
export function whyNotListen(host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port: 0, host, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
