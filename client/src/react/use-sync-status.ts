/** How it stands with the connection, in a form a person can be told. */
import { useCallback, useMemo, useSyncExternalStore } from 'react'
import type { SyncStatus } from '../core/sync-status.ts'
import { useRhizom } from './rhizom-context.ts'

/** A page that was drawn by a server is not connected yet. */
const unconnected: SyncStatus = {
  status: 'connecting',
  sinceMs: undefined,
  reason: undefined,
  next: 'nothing',
  nextAttemptAtMs: undefined,
  attempt: 0,
  remedy: undefined,
  pendingCount: 0,
}
const served = (): SyncStatus => unconnected

/**
 * The status of the connection as it is to be shown: what lasts less than a second is left out. `retry` tries again
 * now, but not before the time the server asked for.
 */
export function useSyncStatus(): SyncStatus & { retry: () => void } {
  const client = useRhizom()
  const status = useSyncExternalStore(client.onShownStatus, client.shownStatus, served)
  const retry = useCallback(() => client.retry(), [client])
  return useMemo(() => ({ ...status, retry }), [status, retry])
}
