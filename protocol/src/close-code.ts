/**
 * WebSocket close codes as data. The range is the policy, so that a client knows what to do with a code it has never
 * seen: 4000–4499 come back (with backoff), 4500–4999 do not. Codes below 4000 (1000, 1001, 1006 …) come from the
 * network, a proxy or a killed process and always mean: come back and resume by position. The idea is Centrifugo's.
 */
import * as CLOSE_CODE from './close-code-number.ts'

export * as CLOSE_CODE from './close-code-number.ts'

/** What a browser tells where there was no close frame: the network, a proxy, a killed process. */
export const NO_CLOSE_FRAME = 1006

/** Whether a gateway closed, and not something on the way to it. */
export const isGatewaysOwn = (code: number): boolean => code >= 4000 && code <= 4999

/** With the words that a gateway closes with. A client decides by the code, and carries none of them. */
export const CLOSE = {
  draining: { code: CLOSE_CODE.draining, reason: 'draining' },
  helloTimedOut: { code: CLOSE_CODE.helloTimedOut, reason: 'hello timed out' },
  tooSlow: { code: CLOSE_CODE.tooSlow, reason: 'too slow, resume' },
  tokenExpired: { code: CLOSE_CODE.tokenExpired, reason: 'token expired, get a new one' },
  overloaded: { code: CLOSE_CODE.overloaded, reason: 'overloaded' },
  notUnderstood: { code: CLOSE_CODE.notUnderstood, reason: 'not understood' },
  notAuthenticated: { code: CLOSE_CODE.notAuthenticated, reason: 'not authenticated' },
  unsupportedVersion: { code: CLOSE_CODE.unsupportedVersion, reason: 'protocol version unsupported' },
  originNotAllowed: { code: CLOSE_CODE.originNotAllowed, reason: 'origin not allowed' },
  tooMany: { code: CLOSE_CODE.tooMany, reason: 'too large or too many' },
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
  if (code === CLOSE_CODE.tokenExpired) return 'new-token'
  return code >= 4500 && code <= 4999 ? 'stop' : 'reconnect'
}
