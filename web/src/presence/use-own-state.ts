/**
 * Oneself as others see it: away once the page has been out of sight for a while, back at once when it is shown. A
 * person may have several pages open and is seen as one: a page in sight that hears another call its person away
 * says that they are not.
 */
import type { SpacePresenceView } from '@rhizom/client/react'
import { useRhizom } from '@rhizom/client/react'
import type { SpaceId } from '@rhizom/protocol'
import { useEffect } from 'react'
import { isAway } from './state.ts'

/** A look into another tab is not a leave. */
const AWAY_AFTER_MS = 30_000

export function useOwnState(space: SpaceId, { here }: SpacePresenceView): void {
  const client = useRhizom()
  const self = client.session().being.id

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let away = false
    const leave = () => {
      away = true
      client.setPresence(space, { away })
    }
    const comeBack = () => {
      if (away) client.setPresence(space, {})
      away = false
    }
    const look = () => {
      clearTimeout(timer)
      if (document.visibilityState === 'hidden') timer = setTimeout(leave, AWAY_AFTER_MS)
      else comeBack()
    }
    look()
    document.addEventListener('visibilitychange', look)
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', look)
      comeBack()
    }
  }, [client, space])

  const own = here.find(({ being }) => being === self)
  const calledAway = own !== undefined && isAway(own.state)
  useEffect(() => {
    if (calledAway && document.visibilityState === 'visible') client.setPresence(space, {})
  }, [calledAway, client, space])
}
