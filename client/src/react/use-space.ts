/**
 * A space on the screen: the space itself and its conversation. The hooks watch the space while they are mounted and
 * read the one store; they never fetch. What they return changes only when what it shows changed. `useSpace` makes
 * oneself present unless told otherwise; the others only watch.
 */
import type { Being, BeingId, Intention, MutationId, Position, Role, SpaceId } from '@rhizom/protocol'
import { useCallback, useMemo } from 'react'
import type { Older } from '../core/older-intentions.ts'
import { beingsHere, type SpaceInfo } from '../core/space-content.ts'
import type { SpaceState } from '../core/space-state.ts'
import type { WatchOptions } from '../sync/space-sync.ts'
import { useRhizom } from './provider.tsx'
import { useSpacePart, useWatch } from './use-space-state.ts'

export type SpaceView =
  /** Nothing is known yet. `problem` says what stands in the way, if something does. */
  | { status: 'loading'; problem: string | undefined; retry: () => void }
  | {
      status: 'ready'
      space: SpaceInfo
      position: Position
      /** Those located here, by name; a space with very many beings lists some of them. */
      beings: readonly Being[]
      beingCount: number
      members: Readonly<Record<BeingId, Role>> | undefined
      /** False while what is shown may be old: without a connection, or while catching up. */
      current: boolean
      problem: string | undefined
      retry: () => void
    }
  /** Not readable: `code` is `removed`, `revoked`, `not-found`, `too-many` or another of the server's. */
  | { status: 'closed'; code: string; message: string; retry: () => void }

export type IntentionView = Intention & {
  /** Who said it; undefined if that is not known. */
  author: Being | undefined
  /** The mutations of one's own that made it as it is shown and are not confirmed; undefined if it is confirmed. */
  pending: readonly MutationId[] | undefined
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

const subscriptionOf = ({ subscription }: SpaceState) => subscription
const contentOf = ({ content }: SpaceState) => content
const olderOf = ({ older }: SpaceState) => older

/**
 * A space with its beings and members. While it is mounted, others see oneself as here; with `present: false` one
 * only watches.
 * @returns `loading` until the first snapshot, then `ready`; `closed` when it may not be read.
 */
export function useSpace(id: SpaceId, { present = true }: WatchOptions = {}): SpaceView {
  const client = useRhizom()
  useWatch(id, present)
  const subscription = useSpacePart(id, subscriptionOf)
  const content = useSpacePart(id, contentOf)
  const retry = useCallback(() => client.retrySpace(id), [client, id])
  const held = content?.beings
  const beings = useMemo(() => (held === undefined ? [] : beingsHere(held, id)), [held, id])
  return useMemo(() => {
    if (subscription.status === 'closed')
      return { status: 'closed', code: subscription.code, message: subscription.message, retry }
    const problem = subscription.status === 'retrying' ? subscription.reason : undefined
    if (content === undefined) return { status: 'loading', problem, retry }
    const { space, position, beingCount, members } = content
    const current = subscription.status === 'current'
    return { status: 'ready', space, position, beings, beingCount, members, current, problem, retry }
  }, [subscription, content, beings, retry])
}

/** The conversation of a space: what was said, by whom, and the way to older pages. */
export function useSpaceIntentions(id: SpaceId): ConversationView {
  const client = useRhizom()
  useWatch(id, false)
  const content = useSpacePart(id, contentOf)
  const older = useSpacePart(id, olderOf)
  const loadOlder = useCallback(() => client.loadOlder(id), [client, id])
  const said = content?.intentions
  const beings = content?.beings
  const pending = content?.pending
  const hasMore = content?.hasMore ?? false
  const intentions = useMemo(
    () =>
      (said ?? []).map((intention) => ({
        ...intention,
        author: beings?.[intention.owner],
        pending: pending?.[intention.id],
      })),
    [said, beings, pending],
  )
  return useMemo(() => ({ intentions, hasMore, older, loadOlder }), [intentions, hasMore, older, loadOlder])
}
