/** The spaces one may read: a list to choose from; what a space holds comes with the space. */
import type { Space, SpaceId } from '@rhizom/protocol'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useSyncExternalStore } from 'react'
import type { SpaceInfo } from '../core/space-content.ts'
import type { SpaceState } from '../core/space-state.ts'
import { type HookClient, useRhizom } from './rhizom-context.ts'

export interface SpacesView {
  /** `failed` while nothing could be read; what is known stays, and it is tried again soon. */
  status: 'loading' | 'ready' | 'failed'
  /** By their addresses, a page at a time, as they are now where they are open; those open are always among them. */
  spaces: readonly SpaceInfo[]
  /** Why it failed, in words. */
  problem: string | undefined
  hasMore: boolean
  loadMore: () => void
  retry: () => void
}

export interface SpacesOptions {
  /** How often it is read again while the page is in sight; 30 s by default. */
  refreshMs?: number
}

/** Where the list is kept. */
export const spacesKey = ['space-list'] as const

const REFRESH_MS = 30_000
const RETRY_MS = 3_000

export const spacesQuery = ({ http }: HookClient, refreshMs: number) => ({
  queryKey: spacesKey,
  queryFn: async ({ pageParam }: { pageParam: string | undefined }) => {
    const result = await http.listSpaces(pageParam)
    if (!result.ok) throw new Error(result.problem.message)
    return result.value
  },
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page: { nextCursor: string | null }) => page.nextCursor ?? undefined,
  // What failed is asked for soon again, and shows as soon as it can.
  refetchInterval: ({ state }: { state: { status: string } }) => (state.status === 'error' ? RETRY_MS : refreshMs),
  refetchOnWindowFocus: true,
  retry: 1,
})

/**
 * The spaces this session may read. Read again every now and then, when the page comes into sight, when the connection
 * is back, and after mutations of spaces by this client; those that are open change live.
 */
export function useSpaces({ refreshMs = REFRESH_MS }: SpacesOptions = {}): SpacesView {
  const client = useRhizom()
  const query = useInfiniteQuery(spacesQuery(client, refreshMs), client.store.queryClient)
  const { data, isPending, isError, error, hasNextPage, fetchNextPage, refetch } = query
  useEffect(() => refetchOnReturn(client, () => void refetch()), [client, refetch])
  const open = useOpenSpaces(client)
  const spaces = useMemo(() => merged(data?.pages.flatMap((page) => page.spaces) ?? [], open), [data, open])
  const loadMore = useCallback(() => void fetchNextPage(), [fetchNextPage])
  const retry = useCallback(() => void refetch(), [refetch])
  const status = isError ? 'failed' : isPending ? 'loading' : 'ready'
  const problem = isError ? error.message : undefined
  return useMemo(
    () => ({ status, spaces, problem, hasMore: hasNextPage, loadMore, retry }),
    [status, spaces, problem, hasNextPage, loadMore, retry],
  )
}

function refetchOnReturn(client: HookClient, refetch: () => void): () => void {
  const isConnected = () => ['live', 'polling'].includes(client.syncStatus().status)
  let was = isConnected()
  return client.onSyncStatus(() => {
    const now = isConnected()
    if (now && !was) refetch()
    was = now
  })
}

type Known = ReadonlyMap<SpaceId, SpaceInfo | 'gone'>

/** Those that the store holds, as they are; the same map while they are the same. */
function openSpaces({ store }: HookClient) {
  const { queryClient } = store
  let last: Known = new Map()
  return {
    subscribe: (listener: () => void) => queryClient.getQueryCache().subscribe(listener),
    read(): Known {
      const states = queryClient.getQueriesData<SpaceState>({ queryKey: ['space'] })
      const next: Known = new Map(states.flatMap(([, state]) => knownOf(state)))
      if (next.size !== last.size || [...next].some(([id, info]) => last.get(id) !== info)) last = next
      return last
    },
  }
}

function useOpenSpaces(client: HookClient): Known {
  const { subscribe, read } = useMemo(() => openSpaces(client), [client])
  return useSyncExternalStore(subscribe, read, noneOpen)
}

const none: Known = new Map()
const noneOpen = (): Known => none

function knownOf(state: SpaceState | undefined): [SpaceId, SpaceInfo | 'gone'][] {
  if (state === undefined) return []
  const { id, subscription, content } = state
  if (subscription.status === 'closed') return ['removed', 'revoked'].includes(subscription.code) ? [[id, 'gone']] : []
  return content === undefined ? [] : [[id, content.space]]
}

function merged(listed: readonly Space[], open: Known): readonly SpaceInfo[] {
  const unlisted = new Map(open)
  const spaces = listed.flatMap((space) => {
    const now = unlisted.get(space.id) ?? space
    unlisted.delete(space.id)
    return now === 'gone' ? [] : [now]
  })
  return [...spaces, ...[...unlisted.values()].filter((space) => space !== 'gone')]
}
