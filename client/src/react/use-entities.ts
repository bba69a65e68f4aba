/**
 * The beings behind ids, for lists of those who are in a space without being located there. What the space holds is
 * taken from it and changes live; the rest is looked up together and kept in the store like any being.
 */
import type { Being, BeingId, SpaceId } from '@rhizom/protocol'
import { useQueries } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { SpaceState } from '../core/space-state.ts'
import { useRhizom } from './provider.tsx'
import { useSpacePart } from './use-space-state.ts'

/** A name that was looked up is good for so long; those located in the space are never older than the space. */
const FRESH_MS = 60_000

const beingsOf = ({ content }: SpaceState) => content?.beings

type Entities = ReadonlyMap<BeingId, Being>

/** Beings looked up by their ids, all in as few requests as possible; those not known yet are missing. */
export function useLookedUp(ids: readonly BeingId[]): readonly Being[] {
  const client = useRhizom()
  return useQueries({
    queries: ids.map((id) => ({
      queryKey: ['being', id],
      queryFn: () => client.lookUpBeing(id),
      staleTime: FRESH_MS,
      retry: 2,
      refetchOnWindowFocus: false,
    })),
    combine: beingsFound,
  })
}

/** The beings known so far among `ids`; those on their way, or that nobody may see, are missing. */
export function useEntities(space: SpaceId, ids: readonly BeingId[]): Entities {
  const held = useSpacePart(space, beingsOf)
  // Without content nothing is known of whom the space will bring: asking now would ask for all of them.
  const strangers = held === undefined ? [] : ids.filter((id) => held[id]?.location !== space)
  const lookedUp = useLookedUp(strangers)
  return useMemo(() => {
    const entities = new Map(lookedUp.map((being) => [being.id, being]))
    for (const id of ids) {
      const being = held?.[id]
      if (being !== undefined && (being.location === space || !entities.has(id))) entities.set(id, being)
    }
    return entities
  }, [held, ids, lookedUp, space])
}

const beingsFound = (results: readonly { data?: Being | null | undefined }[]): Being[] =>
  results.flatMap(({ data }) => data ?? [])
