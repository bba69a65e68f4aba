/** Says the same trouble once per interval with how often it came, instead of each time. */
import type { Clock } from '@rhizom/machine'
import type { Log } from './ports.ts'

export function throttledWarn(log: Log, clock: Clock, everyMs: number): (fields: object, message: string) => void {
  let silentUntil = Number.NEGATIVE_INFINITY
  let suppressed = 0
  return (fields, message) => {
    const now = clock.nowMs()
    if (now < silentUntil) {
      suppressed++
      return
    }
    log.warn(suppressed === 0 ? fields : { ...fields, suppressed }, message)
    silentUntil = now + everyMs
    suppressed = 0
  }
}
