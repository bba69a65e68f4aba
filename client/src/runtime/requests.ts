/** What the transports without a socket ask over HTTP, and what an answer means to a connection. */
import { checkJson, type ClientFrameInput, CLOSE_CODE, NO_CLOSE_FRAME, problemCheck } from '@rhizom/protocol'
import type { Environment } from './environment.ts'

export interface RefusedRequest {
  /** As a gateway would close the connection. */
  closeCode: number
  /** The code of a problem of ours; undefined where something in between answered. */
  code: string | undefined
  message: string
  retryAfterMs: number | undefined
}

const CLOSE_CODES: Readonly<Record<string, number>> = {
  'token-expired': CLOSE_CODE.tokenExpired,
  'not-authenticated': CLOSE_CODE.notAuthenticated,
  forbidden: CLOSE_CODE.originNotAllowed,
  unavailable: CLOSE_CODE.overloaded,
  'rate-limited': CLOSE_CODE.overloaded,
}

/** What an answer that is no success means. Only what is said in our own words is more than a failure on the way. */
export async function refusalOf(response: Response): Promise<RefusedRequest> {
  const text = await response.text()
  const parsed = checkJson(problemCheck, text)
  if (!parsed.ok)
    return { closeCode: NO_CLOSE_FRAME, code: undefined, message: `status ${response.status}`, retryAfterMs: undefined }
  const { code, detail, retryAfterMs } = parsed.value
  return { closeCode: CLOSE_CODES[code] ?? NO_CLOSE_FRAME, code, message: detail, retryAfterMs }
}

/** By the Fetch standard a network that fails is a TypeError. It is tried again and nothing to report. */
export const isNetworkError = (error: unknown): boolean => error instanceof TypeError

interface Target {
  environment: Environment
  apiUrl: string
  token: string
}

/** Says something to whoever watches right now. It may be lost, as over a socket. */
export function sendSignal(
  { environment, apiUrl, token }: Target,
  { space, name, data }: Extract<ClientFrameInput, { type: 'signal' }>,
): void {
  const request = environment.fetch(`${apiUrl}/v1/spaces/${encodeURIComponent(space)}/signals`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name, data }),
  })
  request.catch((error: unknown) => {
    if (!isNetworkError(error)) environment.report('a signal could not be sent', error)
  })
}
