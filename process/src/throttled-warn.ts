/** Says the same trouble once an interval with how often it came, instead of each time. For what has no good state. */
import type { Clock } from '@rhizom/machine'
import type { Log } from './log.ts'

export function throttledWarn(
  log: Log,
  clock: Pick<Clock, 'nowMs'>,
  everyMs: number,
): (fields: object, message: string) => void {
  let silentUntilMs = Number.NEGATIVE_INFINITY
  let suppressed = 0
  return (fields, message) => {
    const nowMs = clock.nowMs()
    if (nowMs < silentUntilMs) {
      suppressed++
      return
    }
    log.warn(suppressed === 0 ? fields : { ...fields, suppressed }, message)
    silentUntilMs = nowMs + everyMs
    suppressed = 0
  }
}
