/**
 * WebSocket close codes as data. The range is the policy, so that a client knows what to do with a code it has never
 * seen: 4000–4499 come back (with backoff), 4500–4999 do not. Codes below 4000 (1000, 1001, 1006 …) come from the
 * network, a proxy or a killed process and always mean: come back and resume by position. The idea is Centrifugo's.
 */

export const CLOSE = {
  draining: { code: 4000, reason: 'draining' },
  helloTimedOut: { code: 4001, reason: 'hello timed out' },
  tooSlow: { code: 4002, reason: 'too slow, resume' },
  tokenExpired: { code: 4003, reason: 'token expired, get a new one' },
  overloaded: { code: 4004, reason: 'overloaded' },
  notUnderstood: { code: 4500, reason: 'not understood' },
  notAuthenticated: { code: 4501, reason: 'not authenticated' },
  unsupportedVersion: { code: 4502, reason: 'protocol version unsupported' },
  originNotAllowed: { code: 4503, reason: 'origin not allowed' },
  tooMany: { code: 4504, reason: 'too large or too many' },
} as const

export type CloseName = keyof typeof CLOSE

/**
 * - `reconnect`: come back with backoff and resume.
 * - `new-token`: come back with a token fetched anew.
 * - `stop`: coming back unchanged cannot help; tell the person.
 */
export type ClosePolicy = 'reconnect' | 'new-token' | 'stop'

/** What a client does after a close, for any code. */
export function closePolicy(code: number): ClosePolicy {
  if (code === CLOSE.tokenExpired.code) return 'new-token'
  return code >= 4500 && code <= 4999 ? 'stop' : 'reconnect'
}
