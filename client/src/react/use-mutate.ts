/** Asking for changes, taking them back, and seeing what is still unanswered, what was refused, and what is kept. */
import type { MutationId, SpaceId } from '@rhizom/protocol'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import type { RhizomClient } from '../client.ts'
import type { PendingMutation, RefusedMutation } from '../core/queue-state.ts'
import type { Keeping } from '../sync/keeping.ts'
import type { CancelResult } from '../sync/mutation-queue.ts'
import { useRhizom } from './rhizom-context.ts'

/**
 * `mutate(name, space, args)`, the same function at every render. It never rejects: the outcome is `applied`, or
 * `rejected` with a `code` and a `message` for a person. Without a network it goes on trying.
 */
export function useMutate(): RhizomClient['mutate'] {
  return useRhizom().mutate
}

/**
 * `cancel(id)`, the same function at every render: takes back what is not answered yet, as `RhizomClient.cancel` says.
 */
export function useCancel(): (id: MutationId) => CancelResult {
  return useRhizom().cancel
}

/**
 * `foresee(name, space, args)`, the same function at every render: why it would be rejected, to be shown where it is
 * written and before it is asked for. Undefined if nothing that is known speaks against it.
 */
export function useForesee(): RhizomClient['foresee'] {
  return useRhizom().foresee
}

/** A server draws for nobody who has asked for anything, and keeps nothing. */
const none: readonly never[] = []
const noneServed = () => none
const opening: Keeping = { status: 'opening' }
const keepingServed = (): Keeping => opening

/**
 * What was asked for and is not answered yet, in a space or, without one, in all; oldest first, with the attempts made.
 */
export function usePendingMutations(space?: SpaceId | null): readonly PendingMutation[] {
  const client = useRhizom()
  const pending = useSyncExternalStore(client.onPendingMutations, client.pendingMutations, noneServed)
  return useMemo(
    () => (space === undefined ? pending : pending.filter(({ mutation }) => mutation.space === space)),
    [pending, space],
  )
}

/** What was refused and nobody has dealt with, in a space or, without one, in all. */
export function useRefusedMutations(space?: SpaceId | null): readonly RefusedMutation[] {
  const client = useRhizom()
  const refused = useSyncExternalStore(client.onPendingMutations, client.refusedMutations, noneServed)
  return useMemo(
    () => (space === undefined ? refused : refused.filter(({ mutation }) => mutation.space === space)),
    [refused, space],
  )
}

/** Whether what is written and shown outlives the page, and why not. */
export function useKeeping(): Keeping {
  const client = useRhizom()
  return useSyncExternalStore(client.onKeeping, client.keeping, keepingServed)
}

/** How much of that there is, in all. */
export function usePendingCount(): number {
  const client = useRhizom()
  return useSyncExternalStore(
    client.onPendingMutations,
    () => client.pendingMutations().length,
    () => 0,
  )
}

/** The first of those mutations that is not answered yet, as an intention names them in `pending`. */
export function usePendingOf(mutations: readonly MutationId[] | undefined): PendingMutation | undefined {
  const client = useRhizom()
  return useSyncExternalStore(
    client.onPendingMutations,
    () => mutations && client.pendingMutations().find(({ mutation }) => mutations.includes(mutation.id)),
    () => undefined,
  )
}

/** Whoever leaves the page is asked first, while something is neither sent nor kept on the device. */
export function usePreventUnsaved(): void {
  const hasUnsent = usePendingCount() > 0
  const isKept = useKeeping().status === 'kept'
  useEffect(() => {
    if (!hasUnsent || isKept) return undefined
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [hasUnsent, isKept])
}
