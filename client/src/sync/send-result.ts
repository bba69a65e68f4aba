/** Checks something small before it is sent, so that what a gateway would refuse is refused here. */
import { jsonBytes, type Parsed } from '@rhizom/protocol'

/** Whether something is of a form that can be sent. Not whether it reached anybody. */
export type SendResult = { ok: true } | { ok: false; code: 'too-large' | 'malformed'; message: string }

export function checkBeforeSending(
  what: string,
  value: unknown,
  maxBytes: number,
  check: () => Parsed<unknown>,
): SendResult {
  const bytes = jsonBytes(value)
  if (bytes > maxBytes)
    return { ok: false, code: 'too-large', message: `${what} of ${bytes} bytes; the limit is ${maxBytes}.` }
  const checked = check()
  return checked.ok ? { ok: true } : { ok: false, code: 'malformed', message: checked.problem }
}
