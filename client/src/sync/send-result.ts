/** Checks something small before it is sent, so that what a gateway would refuse is refused here. */
import { firstFault, jsonBytes } from '@rhizom/protocol'

/** Whether something is of a form that can be sent. Not whether it reached anybody. */
export type SendResult = { ok: true } | { ok: false; code: 'too-large' | 'malformed'; message: string }

type Parse = () => { success: true } | { success: false; error: Parameters<typeof firstFault>[0] }

export function checkBeforeSending(what: string, value: unknown, maxBytes: number, parse: Parse): SendResult {
  const bytes = jsonBytes(value)
  if (bytes > maxBytes)
    return { ok: false, code: 'too-large', message: `${what} of ${bytes} bytes; the limit is ${maxBytes}.` }
  const parsed = parse()
  return parsed.success ? { ok: true } : { ok: false, code: 'malformed', message: firstFault(parsed.error).problem }
}
