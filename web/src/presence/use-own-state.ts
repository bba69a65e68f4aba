/**
 * Oneself as others see it: away once no page of ours has been in sight for a while in this browser, back at once when
 * one is. On several devices one is still seen as one: a page in sight that hears another device call its person away
 * says that they are not.
 */
import { useOwnPresence, useSession } from '@rhizom/client/react'
import type { SpaceId } from '@rhizom/protocol'
import { useEffect } from 'react'
import { watchVisibility } from './page-visibility.ts'
import { isAway } from './state.ts'

/** A look into another tab is not a leave. */
const AWAY_AFTER_MS = 30_000

export function useOwnState(space: SpaceId): void {
  const self = useSession().being.id
  const [state, setState] = useOwnPresence(space)

  useEffect(() => {
    let away = false
    const stop = watchVisibility(self, AWAY_AFTER_MS, (isVisible) => {
      away = !isVisible
      setState(away ? { away } : {})
    })
    return () => {
      stop()
      if (away) setState({})
    }
  }, [setState, self])

  const calledAway = isAway(state)
  useEffect(() => {
    if (calledAway && document.visibilityState === 'visible') setState({})
  }, [calledAway, setState])
}
