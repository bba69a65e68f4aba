/** Saying something in a space: the one line that most apps begin with. */
import type { SpaceId } from '@rhizom/protocol'
import { useCallback } from 'react'
import { newId } from '../sync/new-id.ts'
import type { MutationOutcome } from '../core/queue-state.ts'
import { useRhizom } from './provider.tsx'
import { useWatch } from './use-space-state.ts'

/**
 * A function, the same at every render, that says `text` in a space and resolves with what became of it, never
 * rejecting. Whoever may not write yet enters the space first: beings that are in a space write there, and its members
 * from anywhere.
 */
export function useSay(space: SpaceId): (text: string) => Promise<MutationOutcome> {
  const client = useRhizom()
  useWatch(space, false)
  return useCallback(
    (text) => {
      const self = client.session().being.id
      const { content } = client.readSpace(space)
      const role = content?.members?.[self]
      const mayWrite = role === 'owner' || role === 'member' || content?.beings[self]?.location === space
      // One request carries both, in this order.
      if (!mayWrite) void client.mutate('being.move', space, { id: self })
      return client.mutate('intention.create', space, { id: newId(), type: 'utterance', content: [text] })
    },
    [client, space],
  )
}
