/** Watching a space and reading its entry in the one store: what every hook about a space is made of. */
import type { SpaceId } from '@rhizom/protocol'
import { skipToken, useQuery } from '@tanstack/react-query'
import { useEffect, useLayoutEffect, useSyncExternalStore } from 'react'
import { initialSpace, type SpaceState } from '../core/space-state.ts'
import { useRhizom } from './rhizom-context.ts'
import { spaceKey } from './query-store.ts'

/** Keeps a space in step while mounted, and oneself here in it if `present`. */
export function useWatch(id: SpaceId, present: boolean): void {
  const client = useRhizom()
  // Layout effects run before all others: on a page whose parts watch the same space, whoever is here says so first
  // and the space is subscribed once.
  useLayoutEffect(() => (present ? client.watchSpace(id, { present }) : undefined), [client, id, present])
  useEffect(() => client.watchSpace(id, { present: false }), [client, id])
}

const nothingToHear = () => () => undefined

/** True on a server, and for the first rendering over its markup, which is to draw the same. */
export const useIsServed = (): boolean =>
  useSyncExternalStore(
    nothingToHear,
    () => false,
    () => true,
  )

const nothing = (): undefined => undefined

/** A part of a space's state; renders again only when that part is another. `select` must be the same function. */
export function useSpacePart<T>(id: SpaceId, select: (state: SpaceState) => T): T {
  const { store } = useRhizom()
  const isServed = useIsServed()
  // Rendering again after the cache was emptied lets the observer find the entry that was put back.
  useSyncExternalStore(store.onReplaced, () => store.read(id), nothing)
  const { data } = useQuery<SpaceState, Error, T>(
    { queryKey: spaceKey(id), queryFn: skipToken, staleTime: Infinity, select },
    store.queryClient,
  )
  if (isServed) return select(store.served(id))
  return data === undefined ? select(store.read(id) ?? initialSpace(id)) : data
}

const whole = (state: SpaceState): SpaceState => state

/** The state of a space as it is in the store, watched while mounted. */
export function useSpaceState(id: SpaceId): SpaceState {
  useWatch(id, false)
  return useSpacePart(id, whole)
}

/** One part of that, as `({ content }) => content?.beingCount`: renders again only when that is another. */
export function useSpaceSelector<T>(id: SpaceId, select: (state: SpaceState) => T): T {
  useWatch(id, false)
  return useSpacePart(id, select)
}
