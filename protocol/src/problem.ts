/**
 * Errors over HTTP: problem documents (RFC 9457) with a machine-readable `code`. The table says for each code which
 * status it has and whether the same request can succeed later; a client decides by this and never by the text.
 */
import type { Problem } from './problem-schema.ts'

interface ProblemKind {
  status: number
  title: string
  retry: 'later' | 'never'
}

export const PROBLEMS = {
  malformed: { status: 400, title: 'The request was not understood', retry: 'never' },
  'not-authenticated': { status: 401, title: 'A valid session is needed', retry: 'never' },
  'token-expired': { status: 401, title: 'The session has expired', retry: 'never' },
  forbidden: { status: 403, title: 'Not allowed', retry: 'never' },
  'not-found': { status: 404, title: 'Not found', retry: 'never' },
  'method-not-allowed': { status: 405, title: 'Method not allowed', retry: 'never' },
  timeout: { status: 408, title: 'The request did not arrive in time; nothing was applied', retry: 'later' },
  taken: { status: 409, title: 'The id is taken', retry: 'never' },
  reset: { status: 410, title: 'The log does not reach back to that position', retry: 'never' },
  'too-large': { status: 413, title: 'Over a limit', retry: 'never' },
  'unsupported-media-type': { status: 415, title: 'Only application/json is understood', retry: 'never' },
  'rate-limited': { status: 429, title: 'Too many requests', retry: 'later' },
  internal: { status: 500, title: 'Internal error', retry: 'later' },
  unavailable: { status: 503, title: 'Temporarily unavailable; nothing was applied', retry: 'later' },
  'outcome-unknown': { status: 503, title: 'The outcome is not known; send again with the same id', retry: 'later' },
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof PROBLEMS

/** Builds a problem document. */
export function problemOf(
  code: ProblemCode,
  detail: string,
  extra: { path?: string; retryAfterMs?: number } = {},
): Problem {
  const { status, title } = PROBLEMS[code]
  return { type: 'about:blank', title, status, code, detail, ...extra }
}
