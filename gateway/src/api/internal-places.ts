/**
 * Where the internal part of the api may be: where a setting says, or else beside each public address. Whoever names
 * the internal port itself as the address of the api is understood as well.
 */
import { besidePort } from '@rhizom/process'

/** One api, and where it may answer, the likelier first. `variable` is the setting that says so. */
export interface ApiPlace {
  variable: 'API_URL' | 'API_INTERNAL_URL'
  addresses: readonly [string, ...string[]]
}

export function apiPlaces(urls: readonly string[], internalUrls: readonly string[] | undefined): ApiPlace[] {
  if (internalUrls !== undefined) return internalUrls.map((url) => ({ variable: 'API_INTERNAL_URL', addresses: [url] }))
  return urls.map((url) => {
    const beside = besideOf(url)
    return { variable: 'API_URL', addresses: beside === undefined ? [url] : [beside, url] }
  })
}

const USUAL_PORT: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

function besideOf(url: string): string | undefined {
  const made = new URL(url)
  const port = besidePort(made.port === '' ? (USUAL_PORT[made.protocol] ?? 0) : Number(made.port))
  if (port === undefined) return undefined
  made.port = String(port)
  return made.href.replace(/\/+$/, '')
}
