/**
 * Calling functions that were handed in from outside. What one of them throws is reported and costs nothing else: not
 * the listeners after it, not what was under way, not a promise that somebody waits for.
 */
import type { Environment } from '../runtime/environment.ts'

export function callSafely(environment: Pick<Environment, 'report'>, what: string, run: () => void): void {
  try {
    run()
  } catch (error) {
    environment.report(`${what} threw`, error)
  }
}

export interface Listeners<T> {
  /** The result stops it. */
  add(listener: (told: T) => void): () => void
  notify(told: T): void
  isEmpty(): boolean
}

/** `what` names the listeners in reports. */
export function createListeners<T>(environment: Pick<Environment, 'report'>, what: string): Listeners<T> {
  const listeners = new Set<(told: T) => void>()
  return {
    add(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    isEmpty: () => listeners.size === 0,
    notify(told) {
      for (const listener of [...listeners]) callSafely(environment, what, () => listener(told))
    },
  }
}
