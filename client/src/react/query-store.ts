/**
 * The store of spaces in the cache of TanStack Query, where the hooks read it and its tools show it. Nothing of a space
 * is ever stale, fetched, merged or collected by the cache itself: the client alone writes it.
 */
import type { SpaceId } from '@rhizom/protocol'
import { notifyManager, type QueryClient } from '@tanstack/react-query'
import type { SpaceState } from '../core/space-state.ts'
import type { SpaceStore } from '../sync/store.ts'

/** Where the state of a space is kept. */
export const spaceKey = (id: SpaceId): readonly ['space', SpaceId] => ['space', id]
/** Where a being is kept that was looked up. */
export const beingKey = (id: string): readonly ['being', string] => ['being', id]

export interface QueryStore extends SpaceStore {
  readonly queryClient: QueryClient
  /**
   * Calls when an entry that was removed from the cache is there again: who observed the former one has to look anew.
   */
  onReplaced(listener: () => void): () => void
}

const spaceIn = (key: unknown): SpaceId | undefined =>
  Array.isArray(key) && key[0] === 'space' && typeof key[1] === 'string' ? key[1] : undefined

/** The store of one client in a cache. What a former client left there, maybe of another person, is removed. */
export function createQueryStore(queryClient: QueryClient): QueryStore {
  const cache = queryClient.getQueryCache()
  const replacedListeners = new Set<() => void>()
  for (const kind of ['space', 'being']) queryClient.removeQueries({ queryKey: [kind] })
  queryClient.setQueryDefaults(['space'], { staleTime: Infinity, gcTime: Infinity, structuralSharing: false })
  return {
    queryClient,
    read: (id) => queryClient.getQueryData<SpaceState>(spaceKey(id)),
    write(id, state) {
      const isKnown = cache.find({ queryKey: spaceKey(id) }) !== undefined
      queryClient.setQueryData<SpaceState>(spaceKey(id), state)
      if (!isKnown) for (const listener of [...replacedListeners]) listener()
    },
    remove: (id) => queryClient.removeQueries({ queryKey: spaceKey(id), exact: true }),
    // An entry can also lose its data and stay, by `resetQueries`.
    onRemoved: (listener) =>
      cache.subscribe(({ type, query }) => {
        const id = spaceIn(query.queryKey)
        if (id === undefined) return
        if (type === 'removed' || (type === 'updated' && query.state.data === undefined)) listener(id)
      }),
    batch: (run) => notifyManager.batch(run),
    onReplaced(listener) {
      replacedListeners.add(listener)
      return () => void replacedListeners.delete(listener)
    },
  }
}
