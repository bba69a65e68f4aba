/**
 * Waiting for a space from within a rendering, which has no effects yet: the space is watched for as long as that
 * takes, and stays for a while after, until what waited for it is mounted and watches it itself.
 */
import type { BeingId, SpaceId } from '@rhizom/protocol'
import type { SpaceState } from '../core/space-state.ts'
import type { HookClient } from './rhizom-context.ts'
import { beingQuery } from './use-entities.ts'

/** What waits is asked again after so long, since it may be gone and nobody would say so. */
const ASKED_AGAIN_MS = 20_000

/** What failed is thrown by whoever waited for it, and asked for anew by whoever asks after that. */
const FAILURE_STANDS_MS = 1_000

const underWay = new WeakMap<HookClient, Map<string, Promise<unknown>>>()

/** The same promise for all who wait for one thing at one time, as React asks for in a rendering. */
function once(client: HookClient, key: string, begin: () => Promise<unknown>): Promise<unknown> {
  const those = underWay.get(client) ?? new Map<string, Promise<unknown>>()
  underWay.set(client, those)
  const known = those.get(key)
  if (known !== undefined) return known
  // Later, since nothing may change while something is rendered.
  const promise = Promise.resolve().then(begin)
  those.set(key, promise)
  promise.then(
    () => those.delete(key),
    () => void setTimeout(() => those.delete(key), FAILURE_STANDS_MS),
  )
  return promise
}

export const isLoaded = ({ content, subscription }: SpaceState): boolean =>
  content !== undefined || subscription.status === 'closed'

/** Resolves when a space is there, or may not be read. */
export const whenLoaded = (client: HookClient, id: SpaceId): Promise<unknown> =>
  once(client, id, () => load(client, id))

/** Resolves when a being is looked up, whether there is one or not. */
export const whenLookedUp = (client: HookClient, id: BeingId): Promise<unknown> =>
  once(client, `being ${id}`, () => client.store.queryClient.ensureQueryData({ ...beingQuery(client, id), retry: 2 }))

function load(client: HookClient, id: SpaceId): Promise<void> {
  return new Promise((resolve) => {
    const stopWatching = client.watchSpace(id, { present: false })
    const timer = setTimeout(finish, ASKED_AGAIN_MS)
    const stopLooking = client.store.queryClient.getQueryCache().subscribe(look)
    function finish(): void {
      clearTimeout(timer)
      stopLooking()
      stopWatching()
      resolve()
    }
    function look(): void {
      if (isLoaded(client.readSpace(id))) finish()
    }
    look()
  })
}
