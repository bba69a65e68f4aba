/** How it stands with one space. */
import type { SpaceId } from '@rhizom/protocol'
import { useCallback, useMemo } from 'react'
import type { SpaceState } from '../core/space-state.ts'
import { useRhizom } from './rhizom-context.ts'
import { usePendingMutations } from './use-mutate.ts'
import { useSpacePart, useWatch } from './use-space-state.ts'

export interface SpaceStatusView {
  /**
   * `loading`: nothing is known yet. `current`: what is shown is what is. `stale`: what is shown may be old.
   * `closed`: it may not be read.
   */
  status: 'loading' | 'current' | 'stale' | 'closed'
  /** What stands in the way, for a person, if something does. */
  reason: string | undefined
  /** How much of one's own in this space is not answered yet. */
  pendingCount: number
  retry: () => void
}

function statusOf({ subscription, content }: SpaceState): SpaceStatusView['status'] {
  if (subscription.status === 'closed') return 'closed'
  if (content === undefined) return 'loading'
  return subscription.status === 'current' ? 'current' : 'stale'
}

function reasonOf({ subscription }: SpaceState): string | undefined {
  if (subscription.status === 'closed') return subscription.message
  return subscription.status === 'retrying' ? subscription.reason : undefined
}

/** Whether a space can be read and is as it is, and what of one's own waits there. Renders for no change of it. */
export function useSpaceStatus(space: SpaceId): SpaceStatusView {
  const client = useRhizom()
  useWatch(space, false)
  const status = useSpacePart(space, statusOf)
  const reason = useSpacePart(space, reasonOf)
  const pendingCount = usePendingMutations(space).length
  const retry = useCallback(() => client.retrySpace(space), [client, space])
  return useMemo(() => ({ status, reason, pendingCount, retry }), [status, reason, pendingCount, retry])
}
