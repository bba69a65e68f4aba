/**
 * Keeps account of what a newer server sent and this client left out (`core/received.ts`): each sort is reported when
 * it is first met, and counted every time.
 */
import type { LeftOut } from '../core/received.ts'
import type { Environment } from '../runtime/environment.ts'
import { createListeners } from './listeners.ts'

export interface LeftOutAccount {
  note(leftOut: readonly LeftOut[]): void
  /** How often each sort was left out. A new map whenever something was. */
  counts(): ReadonlyMap<LeftOut, number>
  onCounts(listener: () => void): () => void
}

export function createLeftOutAccount(environment: Pick<Environment, 'report'>): LeftOutAccount {
  const listeners = createListeners<void>(environment, 'a listener to what is left out')
  let counts: ReadonlyMap<LeftOut, number> = new Map()
  return {
    note(leftOut) {
      if (leftOut.length === 0) return
      const next = new Map(counts)
      for (const sort of leftOut) {
        if (!next.has(sort)) environment.report(`left out, as this client does not know it: ${sort}`)
        next.set(sort, (next.get(sort) ?? 0) + 1)
      }
      counts = next
      listeners.notify()
    },
    counts: () => counts,
    onCounts: listeners.add,
  }
}
