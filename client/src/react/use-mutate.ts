/** Asking for changes, and seeing what is still unanswered. */
import type { SpaceId } from '@rhizom/protocol'
import { useMemo, useSyncExternalStore } from 'react'
import type { RhizomClient } from '../client.ts'
import type { PendingMutation } from '../core/queue-state.ts'
import { useRhizom } from './provider.tsx'

/**
 * `mutate(name, space, args)`, the same function at every render. It never rejects: the outcome is `applied`, or
 * `rejected` with a `code` and a `message` for a person. Without a network it goes on trying.
 */
export function useMutate(): RhizomClient['mutate'] {
  return useRhizom().mutate
}

/** What was asked for in a space and is not answered yet, oldest first, with the attempts made so far. */
export function usePendingMutations(space: SpaceId | null): readonly PendingMutation[] {
  const client = useRhizom()
  const pending = useSyncExternalStore(client.onPendingMutations, client.pendingMutations)
  return useMemo(() => pending.filter(({ mutation }) => mutation.space === space), [pending, space])
}
