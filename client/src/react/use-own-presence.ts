/** What oneself shows to the others. */
import type { JsonObject, SpaceId } from '@rhizom/protocol'
import { useCallback } from 'react'
import type { SpaceState } from '../core/space-state.ts'
import type { SendResult } from '../sync/send-result.ts'
import { useRhizom } from './rhizom-context.ts'
import { useSpacePart, useWatch } from './use-space-state.ts'

/**
 * One's own state in a space as the others see it, from whichever screen it was set last, and a function that sets it,
 * as `RhizomClient.setPresence` says. Watches the space without being here; `useSpace` makes one present, and only who
 * is here has a state that others see. Renders for no other being.
 */
export function useOwnPresence(space: SpaceId): readonly [JsonObject, (state: JsonObject) => SendResult] {
  const client = useRhizom()
  const self = client.session().being.id
  useWatch(space, false)
  const state = useSpacePart(
    space,
    useCallback(
      ({ presence, own }: SpaceState) =>
        presence?.here.find(({ being }) => being === self)?.state ?? own.here?.state ?? nothingSet,
      [self],
    ),
  )
  const set = useCallback((next: JsonObject) => client.setPresence(space, next), [client, space])
  return [state, set]
}

const nothingSet: JsonObject = {}
