/**
 * Oneself as others see it: away once no page of ours has been in sight for a while in this browser, back at once when
 * one is. On several devices one is still seen as one: a page in sight that hears another device call its person away
 * says that they are not.
 */
import type { SpacePresenceView } from '@rhizom/client/react'
import { useRhizom } from '@rhizom/client/react'
import type { SpaceId } from '@rhizom/protocol'
import { useEffect } from 'react'
import { watchVisibility } from './page-visibility.ts'
import { isAway } from './state.ts'

/** A look into another tab is not a leave. */
const AWAY_AFTER_MS = 30_000

export function useOwnState(space: SpaceId, { here }: SpacePresenceView): void {
  const client = useRhizom()
  const self = client.session().being.id

  useEffect(() => {
    let away = false
    const stop = watchVisibility(self, AWAY_AFTER_MS, (isVisible) => {
      away = !isVisible
      client.setPresence(space, away ? { away } : {})
    })
    return () => {
      stop()
      if (away) client.setPresence(space, {})
    }
  }, [client, space, self])

  const own = here.find(({ being }) => being === self)
  const calledAway = own !== undefined && isAway(own.state)
  useEffect(() => {
    if (calledAway && document.visibilityState === 'visible') client.setPresence(space, {})
  }, [calledAway, client, space])
}
