/**
 * The beings behind ids, for lists of those who are in a space without being located there. What the space holds is
 * taken from it and changes live; the rest is looked up together and kept in the store like any being.
 */
import type { Being, BeingId, SpaceId } from '@rhizom/protocol'
import { useQueries } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { SpaceState } from '../core/space-state.ts'
import { type HookClient, useRhizom } from './rhizom-context.ts'
import { beingKey } from './query-store.ts'
import { useSpacePart } from './use-space-state.ts'

/** A name that was looked up is good for so long; those located in the space are never older than the space. */
const FRESH_MS = 60_000

type Entities = ReadonlyMap<BeingId, Being>

/** Looks one being up. The data of a query is never undefined: null stands for nobody. */
export const beingQuery = (client: HookClient, id: BeingId) => ({
  queryKey: beingKey(id),
  queryFn: async () => (await client.lookUpBeing(id)) ?? null,
  staleTime: FRESH_MS,
})

/** Beings looked up by their ids, all in as few requests as possible; those not known yet are missing. */
export function useLookedUp(ids: readonly BeingId[]): readonly Being[] {
  const client = useRhizom()
  return useQueries(
    {
      queries: ids.map((id) => ({
        ...beingQuery(client, id),
        retry: 2,
        refetchOnWindowFocus: false,
      })),
      combine: beingsFound,
    },
    client.store.queryClient,
  )
}

/** Selects the beings that a space holds; the same list while the same beings are in it. */
function heldAmong(ids: readonly BeingId[]): (state: SpaceState) => readonly Being[] | undefined {
  let last: readonly Being[] = []
  return ({ content }) => {
    if (content === undefined) return undefined
    const held = ids.flatMap((id) => content.beings[id] ?? [])
    if (held.length !== last.length || held.some((being, index) => being !== last[index])) last = held
    return last
  }
}

/**
 * The beings known so far among `ids`; those on their way, or that nobody may see, are missing. Renders again when one
 * of these becomes known or changes, whatever becomes of the others in the space. `ids` must keep its identity; only
 * among the first `atMost` of them are strangers looked up.
 */
export function useEntities(
  space: SpaceId,
  ids: readonly BeingId[],
  atMost: number = Number.POSITIVE_INFINITY,
): Entities {
  const those = useMemo(() => heldAmong(ids), [ids])
  const held = useSpacePart(space, those)
  const strangers = useMemo(() => {
    // Without content nothing is known of whom the space will bring: asking now would ask for all of them.
    if (held === undefined) return []
    const located = new Set(held.filter(({ location }) => location === space).map(({ id }) => id))
    return ids.slice(0, atMost).filter((id) => !located.has(id))
  }, [held, ids, space, atMost])
  const lookedUp = useLookedUp(strangers)
  return useMemo(() => {
    const entities = new Map(lookedUp.map((being) => [being.id, being]))
    for (const being of held ?? []) {
      if (being.location === space || !entities.has(being.id)) entities.set(being.id, being)
    }
    return entities
  }, [held, lookedUp, space])
}

const beingsFound = (results: readonly { data?: Being | null | undefined }[]): Being[] =>
  results.flatMap(({ data }) => data ?? [])
