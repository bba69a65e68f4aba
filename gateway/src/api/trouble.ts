/** What keeps the api from answering, for whoever set the gateway up. The reasons are few and fixed. */
import type { Trouble } from '@rhizom/process'

export type ApiFailure =
  /** `code` of its problem document, if it sent one. */
  { base: string; status: number; code: string | undefined } | { base: string; error: unknown }

export function apiTrouble(failure: ApiFailure): Trouble {
  if ('error' in failure) return unreached(failure)
  const { base, status, code } = failure
  return { reason: reasonOf(status, code), problem: `${base} answers ${status} ${code ?? 'and no problem document'}` }
}

function reasonOf(status: number, code: string | undefined): string {
  if (status === 401 || status === 403)
    return 'INTERNAL_TOKEN: the api refuses it; it is to be the same on every api and gateway'
  // A proxy in front of it.
  if (code === undefined && status >= 502) return UNREACHED
  if (code === undefined || status === 404) return 'API_URL: what answers there is no api'
  return status >= 500 ? 'the api cannot answer' : 'the api refuses what is asked of it'
}

const UNREACHED = 'API_URL: the api is not reached'

function unreached({ base, error }: { base: string; error: unknown }): Trouble {
  const isLate = error instanceof Error && error.name === 'TimeoutError'
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const problem = cause instanceof Error ? cause.message || nameOf(cause) : String(cause)
  return { reason: isLate ? 'API_URL: the api does not answer in time' : UNREACHED, problem: `${base}: ${problem}` }
}

/** Of an error without words, as the one of several addresses that all refuse. */
const nameOf = (error: Error): string => ('code' in error ? String(error.code) : error.name)
