/**
 * Keeps frequent sayings rare: of what is said under one name, the first goes at once and then, once a window, the
 * latest. What is replaced meanwhile was never worth sending.
 */
import type { Environment } from '../runtime/environment.ts'

export interface LatestWins {
  say(name: string, deliver: () => void): void
  /** Forgets what waits under a name; the window stays. */
  forget(name: string): void
  /** Forgets everything that waits, and ends all windows. */
  clear(): void
}

interface Slot {
  waiting: (() => void) | null
  cancel: () => void
}

export function createLatestWins(environment: Pick<Environment, 'after'>, windowMs: number): LatestWins {
  const slots = new Map<string, Slot>()

  function begin(name: string): void {
    const cancel = environment.after(windowMs, () => {
      const waiting = slots.get(name)?.waiting ?? null
      slots.delete(name)
      if (waiting !== null) deliver(name, waiting)
    })
    slots.set(name, { waiting: null, cancel })
  }

  function deliver(name: string, now: () => void): void {
    begin(name)
    now()
  }

  return {
    say(name, now) {
      const slot = slots.get(name)
      if (slot === undefined) deliver(name, now)
      else slot.waiting = now
    },
    forget(name) {
      const slot = slots.get(name)
      if (slot !== undefined) slot.waiting = null
    },
    clear() {
      for (const { cancel } of slots.values()) cancel()
      slots.clear()
    },
  }
}
