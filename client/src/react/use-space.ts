/**
 * A space on the screen: the space itself and its conversation. The hooks watch the space while they are mounted and
 * read the one store; they never fetch. What they return changes only when what it shows changed. `useSpace` makes
 * oneself present unless told otherwise; the others only watch.
 */
import type { Being, BeingId, IntentionId, Position, Role, SpaceId } from '@rhizom/protocol'
import { useCallback, useMemo } from 'react'
import type { Older } from '../core/older-intentions.ts'
import type { SpaceInfo } from '../core/space-content.ts'
import type { SpaceState } from '../core/space-state.ts'
import type { WatchOptions } from '../sync/space-sync.ts'
import { useRhizom } from './rhizom-context.ts'
import { type IntentionView, selectConversation, selectIntention, selectSpace } from './space-parts.ts'
import { useSpacePart, useWatch } from './use-space-state.ts'

export type SpaceView =
  /** Nothing is known yet. `problem` says what stands in the way, if something does. */
  | { status: 'loading'; problem: string | undefined; retry: () => void }
  | {
      status: 'ready'
      space: SpaceInfo
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

/**
 * A space with its beings and members. While it is mounted, others see oneself as here; with `present: false` one
 * only watches. Renders for none of what is said: that has hooks of its own.
 * @returns `loading` until the first snapshot, then `ready`; `closed` when it may not be read.
 */
export function useSpace(id: SpaceId, { present = true }: WatchOptions = {}): SpaceView {
  const client = useRhizom()
  useWatch(id, present)
  const parts = useSpacePart(
    id,
    useMemo(() => selectSpace(id), [id]),
  )
  const retry = useCallback(() => client.retrySpace(id), [client, id])
  return useMemo(() => {
    const { subscription, space, beings, beingCount, members } = parts
    if (subscription.status === 'closed')
      return { status: 'closed', code: subscription.code, message: subscription.message, retry }
    const problem = subscription.status === 'retrying' ? subscription.reason : undefined
    if (space === undefined) return { status: 'loading', problem, retry }
    const current = subscription.status === 'current'
    return { status: 'ready', space, beings, beingCount, members, current, problem, retry }
  }, [parts, retry])
}

const positionOf = ({ content }: SpaceState): Position | undefined => content?.position

/** Up to where a space is known, which moves with every change; undefined until it is loaded. */
export function useSpacePosition(id: SpaceId): Position | undefined {
  useWatch(id, false)
  return useSpacePart(id, positionOf)
}

/** The conversation of a space: what was said, by whom, and the way to older pages. */
export function useSpaceIntentions(id: SpaceId): ConversationView {
  const client = useRhizom()
  useWatch(id, false)
  const parts = useSpacePart(
    id,
    useMemo(() => selectConversation(), []),
  )
  const loadOlder = useCallback(() => client.loadOlder(id), [client, id])
  return useMemo(() => ({ ...parts, loadOlder }), [parts, loadOlder])
}

/** One intention among those loaded; undefined if it is not among them. Renders for no other. */
export function useIntention(space: SpaceId, id: IntentionId): IntentionView | undefined {
  useWatch(space, false)
  return useSpacePart(
    space,
    useMemo(() => selectIntention(id), [id]),
  )
}
