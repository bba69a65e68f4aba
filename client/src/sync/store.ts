/**
 * Where the states of watched spaces are kept, as a port. `sync/space-sync.ts` alone writes it. In React it is the
 * cache of TanStack Query (`react/query-store.ts`); without, a plain map will do.
 */
import type { SpaceId } from '@rhizom/protocol'
import type { SpaceState } from '../core/space-state.ts'

export interface SpaceStore {
  read(id: SpaceId): SpaceState | undefined
  write(id: SpaceId, state: SpaceState): void
  remove(id: SpaceId): void
  /** Calls when the state of a space is gone, whoever removed it; the result stops. */
  onRemoved(listener: (id: SpaceId) => void): () => void
  /** What is written meanwhile is shown together. */
  batch(run: () => void): void
}

export function memoryStore(): SpaceStore {
  const states = new Map<SpaceId, SpaceState>()
  const listeners = new Set<(id: SpaceId) => void>()
  return {
    read: (id) => states.get(id),
    write: (id, state) => void states.set(id, state),
    remove(id) {
      if (states.delete(id)) for (const listener of [...listeners]) listener(id)
    },
    onRemoved(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    batch: (run) => run(),
  }
}
