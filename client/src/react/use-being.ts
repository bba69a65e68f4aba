/** One being, wherever it is: from a space that is loaded, else looked up by its id. */
import type { Being, BeingId, SpaceId } from '@rhizom/protocol'
import { useQuery } from '@tanstack/react-query'
import { useCallback, useSyncExternalStore } from 'react'
import type { SpaceState } from '../core/space-state.ts'
import { useRhizom } from './rhizom-context.ts'
import type { QueryStore } from './query-store.ts'
import { beingQuery } from './use-entities.ts'

export type BeingView =
  | { status: 'loading'; being: undefined }
  | { status: 'known'; being: Being }
  /** There is no being of that id, or it may not be seen. */
  | { status: 'unknown'; being: undefined }
  | { status: 'failed'; being: undefined; message: string; retry: () => void }

/** The space it is located in knows it best; one that only quotes it may hold what it was when it left. */
const beingIn = (space: SpaceId, state: SpaceState | undefined, id: BeingId): Being | undefined => {
  const being = state?.content?.beings[id]
  return being?.location === space ? being : undefined
}

function findBeing({ queryClient }: QueryStore, id: BeingId): Being | undefined {
  for (const [[, space], state] of queryClient.getQueriesData<SpaceState>({ queryKey: ['space'] })) {
    const being = typeof space === 'string' ? beingIn(space, state, id) : undefined
    if (being !== undefined) return being
  }
  return undefined
}

function findServed(store: QueryStore, id: BeingId): Being | undefined {
  for (const space of store.servedSpaces()) {
    const being = beingIn(space, store.served(space), id)
    if (being !== undefined) return being
  }
  return undefined
}

/**
 * One being. While a loaded space holds it, it changes live; otherwise it is looked up and looked up again after
 * mutations of this client.
 */
export function useBeing(id: BeingId): BeingView {
  const client = useRhizom()
  const { store } = client
  const { queryClient } = store
  const subscribe = useCallback(
    (listener: () => void) => queryClient.getQueryCache().subscribe(listener),
    [queryClient],
  )
  const live = useSyncExternalStore(
    subscribe,
    () => findBeing(store, id),
    () => findServed(store, id),
  )
  const lookUp = useQuery(
    {
      ...beingQuery(client, id),
      enabled: live === undefined,
      retry: 2,
      refetchOnWindowFocus: false,
    },
    queryClient,
  )
  if (live !== undefined) return { status: 'known', being: live }
  if (lookUp.data) return { status: 'known', being: lookUp.data }
  if (lookUp.isSuccess) return { status: 'unknown', being: undefined }
  if (lookUp.isError)
    return { status: 'failed', being: undefined, message: lookUp.error.message, retry: () => void lookUp.refetch() }
  return { status: 'loading', being: undefined }
}
