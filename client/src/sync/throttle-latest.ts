/**
 * Keeps frequent things rare: of what is to be sent under one name, the first goes at once and then, once a window, the
 * latest. What is replaced meanwhile was never worth sending.
 */
import { type Clock, Window } from '@rhizom/machine'

export interface ThrottleLatest {
  push(name: string, send: () => void): void
  /** Drops what waits and ends all windows. */
  clear(): void
}

export function createThrottleLatest(clock: Pick<Clock, 'after'>, windowMs: number): ThrottleLatest {
  const windows = new Map<string, Window<() => void>>()

  function windowOf(name: string): Window<() => void> {
    const known = windows.get(name)
    if (known !== undefined) return known
    for (const [other, { isOpen }] of windows) if (!isOpen) windows.delete(other)
    const made = new Window<() => void>({
      clock,
      windowMs,
      maxItems: 1,
      keyOf: () => name,
      flush: (items) => items.forEach((send) => send()),
    })
    windows.set(name, made)
    return made
  }

  return {
    push: (name, send) => void windowOf(name).push(send),
    clear() {
      for (const window of windows.values()) window.stop()
      windows.clear()
    },
  }
}
