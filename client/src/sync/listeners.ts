/**
 * Calling functions that were handed in from outside and whose answer nobody waits for. What one of them throws, or its
 * promise rejects with, is reported and costs nothing else: not the listeners after it, not what was under way, not a
 * promise that somebody waits for.
 */
import type { Environment } from '../runtime/environment.ts'

export function callSafely(environment: Pick<Environment, 'report'>, what: string, run: () => unknown): void {
  const failed = (error: unknown): void => environment.report(`${what} threw`, error)
  try {
    const result = run()
    // An async function stands wherever one that returns nothing may stand.
    if (result instanceof Promise) result.catch(failed)
  } catch (error) {
    failed(error)
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
