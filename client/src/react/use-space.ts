/**
 * A space on the screen. Both hooks watch the space while they are mounted and read the one store; they never fetch.
 * What they return changes only when what it shows changed.
 */
import type { Being, BeingId, Intention, Position, Role, SpaceId } from '@rhizom/protocol'
import { skipToken, useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useSyncExternalStore } from 'react'
import { beingsHere, type SpaceInfo } from '../core/space-content.ts'
import { initialSpace, type Older, type SpaceState } from '../core/space-state.ts'
import { spaceKey } from '../sync/space-sync.ts'
import { useRhizom } from './provider.tsx'

export type SpaceView =
  /** Nothing is known yet. `problem` says what stands in the way, if something does. */
  | { status: 'loading'; problem: string | null; retry: () => void }
  | {
      status: 'ready'
      space: SpaceInfo
      position: Position
      /** Those located here, by name; a space with very many beings lists some of them. */
      beings: readonly Being[]
      beingCount: number
      members: Readonly<Record<BeingId, Role>> | null
      /** False while what is shown may be old: without a connection, or while catching up. */
      current: boolean
      problem: string | null
      retry: () => void
    }
  /** Not readable: `code` is `removed`, `revoked`, `not-found`, `too-many` or another of the server's. */
  | { status: 'closed'; code: string; message: string; retry: () => void }

export type IntentionView = Intention & {
  /** Who said it; null if that is not known. */
  author: Being | null
}

export interface ConversationView {
  /** In the order they were made, oldest first. */
  intentions: readonly IntentionView[]
  /** Whether older ones can be loaded. */
  hasMore: boolean
  /** How the last request for older ones stands; a failure carries its message. */
  older: Older
  /** Asks for the page before the oldest one shown. Does nothing while one is under way. */
  loadOlder: () => void
}

/** The state of a space as it is in the store, watched while mounted. */
export function useSpaceState(id: SpaceId): SpaceState {
  const client = useRhizom()
  useEffect(() => client.watchSpace(id), [client, id])
  // Rendering again after the store was emptied lets the observer find the entry that was put back.
  useSyncExternalStore(client.onStoreRestored, () => client.queryClient.getQueryData(spaceKey(id)))
  const { data } = useQuery<SpaceState>({ queryKey: spaceKey(id), queryFn: skipToken, staleTime: Infinity })
  return useMemo(() => data ?? initialSpace(id), [data, id])
}

/**
 * A space with its beings and members.
 * @returns `loading` until the first snapshot, then `ready`; `closed` when it may not be read.
 */
export function useSpace(id: SpaceId): SpaceView {
  const client = useRhizom()
  const { feed, content } = useSpaceState(id)
  const retry = useCallback(() => client.retrySpace(id), [client, id])
  const held = content?.beings
  const beings = useMemo(() => (held === undefined ? [] : beingsHere(held, id)), [held, id])
  return useMemo(() => {
    if (feed.status === 'closed') return { status: 'closed', code: feed.code, message: feed.message, retry }
    const problem = feed.status === 'retrying' ? feed.reason : null
    if (content === null) return { status: 'loading', problem, retry }
    const { space, position, beingCount, members } = content
    const current = feed.status === 'current'
    return { status: 'ready', space, position, beings, beingCount, members, current, problem, retry }
  }, [feed, content, beings, retry])
}

/** The conversation of a space: what was said, by whom, and the way to older pages. */
export function useSpaceIntentions(id: SpaceId): ConversationView {
  const client = useRhizom()
  const { content, older } = useSpaceState(id)
  const loadOlder = useCallback(() => client.loadOlder(id), [client, id])
  const said = content?.intentions
  const beings = content?.beings
  const hasMore = content?.hasMore ?? false
  const intentions = useMemo(
    () => (said ?? []).map((intention) => ({ ...intention, author: beings?.[intention.owner] ?? null })),
    [said, beings],
  )
  return useMemo(() => ({ intentions, hasMore, older, loadOlder }), [intentions, hasMore, older, loadOlder])
}
