/** What keeps the api from answering, for whoever set the gateway up. The reasons are few and fixed. */
import type { Trouble } from '@rhizom/process'

interface AskedAt {
  /** The setting that names the api. */
  variable: string
  base: string
}

export type ApiFailure = AskedAt &
  /** `code` of its problem document, if it sent one. */
  ({ status: number; code: string | undefined } | { error: unknown })

export function apiTrouble(failure: ApiFailure): Trouble {
  if ('error' in failure) return unreached(failure)
  const { base, status, code } = failure
  return { reason: reasonOf(failure), problem: `${base} answers ${status} ${code ?? 'and no problem document'}` }
}

function reasonOf({ variable, status, code }: { variable: string; status: number; code: string | undefined }): string {
  if (status === 401 || status === 403)
    return 'INTERNAL_TOKEN: the api refuses it; it is to be the same on every api and gateway'
  // A proxy in front of it.
  if (code === undefined && status >= 502) return `${variable}: ${UNREACHED}`
  if (code === undefined) return `${variable}: ${NO_API}`
  if (status === 404) return `${variable}: ${NO_API}, or not its internal port, which API_INTERNAL_URL names`
  return status >= 500 ? 'the api cannot answer' : 'the api refuses what is asked of it'
}

const NO_API = 'what answers there is no api'
const UNREACHED = 'the api is not reached'

function unreached({ variable, base, error }: AskedAt & { error: unknown }): Trouble {
  const isLate = error instanceof Error && error.name === 'TimeoutError'
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const problem = cause instanceof Error ? cause.message || nameOf(cause) : String(cause)
  const what = isLate ? 'the api does not answer in time' : UNREACHED
  return { reason: `${variable}: ${what}`, problem: `${base}: ${problem}` }
}

/** Of an error without words, as the one of several addresses that all refuse. */
const nameOf = (error: Error): string => ('code' in error ? String(error.code) : error.name)
