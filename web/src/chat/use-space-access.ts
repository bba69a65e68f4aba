/**
 * Being in the space one looks at. On opening a page it is entered once; after that nothing moves anybody without
 * being asked, so that two tabs on two spaces do not pull their person to and fro. What waits to be sent goes first:
 * whoever moved on before it might not write any more where it was said.
 */
import type { Being, Role, SpaceId } from '@rhizom/protocol'
import { type SpaceView, useMutate, usePendingMutations, useRhizom } from '@rhizom/client/react'
import { useCallback, useEffect, useRef, useState } from 'react'

export interface SpaceAccess {
  isHere: boolean
  /** Beings that are here write, and members who are not viewers. */
  canWrite: boolean
  role: Role | undefined
  entering: boolean
  problem: string | undefined
  enter: () => void
}

export function useSpaceAccess(id: SpaceId, view: SpaceView): SpaceAccess {
  const { being: self } = useRhizom().session()
  const mutate = useMutate()
  const pending = usePendingMutations(id)
  const isWaiting = usePendingMutations().length > 0
  const entering = pending.some(({ mutation }) => mutation.name === 'being.move')
  const [problem, setProblem] = useState<string>()
  const beings: readonly Being[] = view.status === 'ready' ? view.beings : []
  const role = view.status === 'ready' ? view.members?.[self.id] : undefined
  const isHere = beings.some((being) => being.id === self.id)

  const enter = useCallback(() => {
    const asked = mutate('being.move', id, { id: self.id })
    void asked.then((outcome) => setProblem(outcome.status === 'rejected' ? outcome.message : undefined))
  }, [mutate, id, self.id])

  const hasEntered = useRef(false)
  const ready = view.status === 'ready'
  useEffect(() => {
    if (!ready || isWaiting || hasEntered.current) return
    hasEntered.current = true
    if (!isHere) enter()
  }, [ready, isWaiting, isHere, enter])

  return {
    isHere,
    canWrite: isHere || role === 'owner' || role === 'member',
    role,
    entering,
    problem,
    enter,
  }
}
