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

export interface ConditionLog {
  bad(fields: object, message: string): void
  good(message: string): void
}

/** Says when a condition turns bad, once per interval while it stays bad, and once when it is good again. */
export function conditionLog(log: Log, clock: Clock, everyMs: number): ConditionLog {
  let warn: ReturnType<typeof throttledWarn> | undefined
  return {
    bad(fields, message) {
      warn ??= throttledWarn(log, clock, everyMs)
      warn(fields, message)
    },
    good(message) {
      if (warn !== undefined) log.info({}, message)
      warn = undefined
    },
  }
}
