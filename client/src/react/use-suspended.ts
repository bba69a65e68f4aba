/**
 * The hooks for those who let React wait: each suspends until there is something to show, and throws what stands in the
 * way to the next error boundary. What they return afterwards is live as ever. Hooks that have something to show from
 * the beginning have no twin here.
 */
import type { BeingId, IntentionId, SpaceId } from '@rhizom/protocol'
import { use } from 'react'
import type { SpaceState } from '../core/space-state.ts'
import type { WatchOptions } from '../sync/space-sync.ts'
import { isLoaded, whenLoaded, whenLookedUp } from './loading.ts'
import { useRhizom } from './rhizom-context.ts'
import type { IntentionView } from './space-parts.ts'
import { type BeingView, useBeing } from './use-being.ts'
import { type PresenceOptions, type SpacePresenceView, useSpacePresence } from './use-presence.ts'
import { type ConversationView, type SpaceView, useIntention, useSpace, useSpaceIntentions } from './use-space.ts'
import { useSpacePart, useSpaceSelector } from './use-space-state.ts'

/** A space that may not be read, as an error boundary gets it. */
export class SpaceClosedError extends Error {
  override readonly name = 'SpaceClosedError'
  readonly space: SpaceId
  /** `removed`, `revoked`, `not-found`, `too-many` or another of the server's. */
  readonly code: string
  /** Asks for it again; draw again what threw after it. */
  readonly retry: () => void

  constructor(space: SpaceId, code: string, message: string, retry: () => void) {
    super(message)
    this.space = space
    this.code = code
    this.retry = retry
  }
}

const closedOf = ({ subscription }: SpaceState) => (subscription.status === 'closed' ? subscription : undefined)

function useLoaded(id: SpaceId): void {
  const client = useRhizom()
  const loaded = useSpacePart(id, isLoaded)
  const closed = useSpacePart(id, closedOf)
  if (closed !== undefined) throw new SpaceClosedError(id, closed.code, closed.message, () => client.retrySpace(id))
  if (!loaded) use(whenLoaded(client, id))
}

/** `useSpace` of a space that is there. */
export function useSuspenseSpace(id: SpaceId, options?: WatchOptions): Extract<SpaceView, { status: 'ready' }> {
  useLoaded(id)
  const view = useSpace(id, options)
  // Loaded, the one is the other.
  if (view.status !== 'ready') throw new Error(`${id} was loaded and is ${view.status}`)
  return view
}

/** `useSpaceIntentions` of a space that is there. */
export function useSuspenseSpaceIntentions(id: SpaceId): ConversationView {
  useLoaded(id)
  return useSpaceIntentions(id)
}

/** `useIntention` in a space that is there: undefined is then nothing, or an older one. */
export function useSuspenseIntention(space: SpaceId, id: IntentionId): IntentionView | undefined {
  useLoaded(space)
  return useIntention(space, id)
}

/** `useSpacePresence` of a space that is there. */
export function useSuspenseSpacePresence(id: SpaceId, options?: PresenceOptions): SpacePresenceView {
  useLoaded(id)
  return useSpacePresence(id, options)
}

/** `useSpaceSelector` of a space that is there. */
export function useSuspenseSpaceSelector<T>(id: SpaceId, select: (state: SpaceState) => T): T {
  useLoaded(id)
  return useSpaceSelector(id, select)
}

/** `useBeing` of one that is known or certainly not; a look-up that fails is thrown. */
export function useSuspenseBeing(id: BeingId): Extract<BeingView, { status: 'known' | 'unknown' }> {
  const client = useRhizom()
  const view = useBeing(id)
  if (view.status === 'known' || view.status === 'unknown') return view
  use(whenLookedUp(client, id))
  // What was looked up once is in the store, where the hook finds it.
  throw new Error(view.status === 'failed' ? view.message : `${id} was looked up and is not known`)
}
