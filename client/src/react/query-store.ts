/**
 * The store of spaces in the cache of TanStack Query, where the hooks read it and its tools show it. Nothing of a space
 * is ever stale, fetched, merged or collected by the cache itself: the client alone writes it.
 *
 * Text that streams in may come faster than the screen is drawn. What only adds to it goes into the cache once a frame
 * (`streamed-text.ts`); `read` gives the latest all the same, and whatever else changes takes it along at once.
 *
 * A page that a server drew brings what it was drawn from (`dehydrated.ts`): each space begins with that, at its
 * position, until it is watched here.
 */
import type { SpaceId } from '@rhizom/protocol'
import { notifyManager, type QueryClient } from '@tanstack/react-query'
import { initialSpace, type SpaceState } from '../core/space-state.ts'
import type { SpaceStore } from '../sync/store.ts'
import { readDehydrated, servedState } from './dehydrated.ts'
import { isDrawing, onlyStreams } from './streamed-text.ts'

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
  /** What a server draws of a space, and what the first rendering over its markup draws again. */
  served(id: SpaceId): SpaceState
  /** The spaces that are drawn so. */
  servedSpaces(): readonly SpaceId[]
}

export interface QueryStoreOptions {
  /** From `dehydrateStore`, as the server gave it with the page. */
  dehydrated?: string | undefined
}

const spaceIn = (key: unknown): SpaceId | undefined =>
  Array.isArray(key) && key[0] === 'space' && typeof key[1] === 'string' ? key[1] : undefined

/** The store of one client in a cache. What a former client left there, maybe of another person, is removed. */
export function createQueryStore(queryClient: QueryClient, { dehydrated }: QueryStoreOptions = {}): QueryStore {
  const cache = queryClient.getQueryCache()
  const replacedListeners = new Set<() => void>()
  for (const kind of ['space', 'being', 'space-list']) queryClient.removeQueries({ queryKey: [kind] })
  queryClient.setQueryDefaults(['space'], { staleTime: Infinity, gcTime: Infinity, structuralSharing: false })
  const { spaces, queries } = readDehydrated(dehydrated)
  for (const { queryKey, data, updatedAt } of queries) queryClient.setQueryData(queryKey, data, { updatedAt })
  const servedStates: ReadonlyMap<SpaceId, SpaceState> = new Map(
    Object.entries(spaces).map(([id, content]) => [id, { ...initialSpace(id), content }]),
  )
  /** Those that nobody has watched here yet. */
  const beginnings = new Map(servedStates)
  const inCache = (id: SpaceId) => queryClient.getQueryData<SpaceState>(spaceKey(id))
  /** Newer than what the cache has, until the next frame. */
  const held = new Map<SpaceId, SpaceState>()
  let awaitsFrame = false

  function show(id: SpaceId, state: SpaceState): void {
    beginnings.delete(id)
    held.delete(id)
    const isKnown = cache.find({ queryKey: spaceKey(id) }) !== undefined
    queryClient.setQueryData<SpaceState>(spaceKey(id), state)
    if (!isKnown) for (const listener of [...replacedListeners]) listener()
  }

  function awaitFrame(): void {
    if (awaitsFrame || !isDrawing()) return
    awaitsFrame = true
    requestAnimationFrame(() => {
      awaitsFrame = false
      // What was emptied meanwhile is not for us to fill.
      const waiting = [...held].filter(([id]) => inCache(id) !== undefined)
      held.clear()
      if (waiting.length === 0) return
      notifyManager.batch(() => waiting.forEach(([id, state]) => show(id, state)))
      awaitFrame()
    })
  }

  return {
    queryClient,
    read(id) {
      const shown = inCache(id)
      return shown === undefined ? beginnings.get(id) : (held.get(id) ?? shown)
    },
    write(id, state) {
      const streams = onlyStreams(inCache(id), state)
      if (streams && awaitsFrame && isDrawing()) {
        held.set(id, state)
        return
      }
      show(id, state)
      if (streams) awaitFrame()
    },
    remove(id) {
      beginnings.delete(id)
      held.delete(id)
      queryClient.removeQueries({ queryKey: spaceKey(id), exact: true })
    },
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
    served: (id) => servedStates.get(id) ?? servedState(id, inCache(id)),
    servedSpaces() {
      if (servedStates.size > 0) return [...servedStates.keys()]
      return cache.findAll({ queryKey: ['space'] }).flatMap(({ queryKey }) => spaceIn(queryKey) ?? [])
    },
  }
}
