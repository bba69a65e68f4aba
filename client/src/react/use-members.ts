/** The members of a space, and what oneself may do there. */
import type { Being, BeingId, Role, SpaceId } from '@rhizom/protocol'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { SpaceState } from '../core/space-state.ts'
import { useRhizom } from './rhizom-context.ts'
import { isLocatedIn, roleIn, writesIn } from './space-access.ts'
import { useEntities } from './use-entities.ts'
import { usePendingCount, usePendingMutations } from './use-mutate.ts'
import { useSpacePart, useWatch } from './use-space-state.ts'

export interface MemberView {
  being: BeingId
  /** undefined until it is known: show the id. */
  entity: Being | undefined
  role: Role
}

export interface MembersView {
  /** Owners first, then by their ids. Empty where the server does not tell, as to those who are no members. */
  members: readonly MemberView[]
  /** Whether the server tells who they are. */
  isKnown: boolean
}

const RANK: Readonly<Record<Role, number>> = { owner: 0, member: 1, viewer: 2, banned: 3 }

const membersOf = ({ content }: SpaceState) => content?.members

/** The members of a space with their beings. */
export function useMembers(space: SpaceId): MembersView {
  useWatch(space, false)
  const roles = useSpacePart(space, membersOf)
  const listed = useMemo(
    () => Object.entries(roles ?? {}).sort(([a, x], [b, y]) => RANK[x] - RANK[y] || (a < b ? -1 : 1)),
    [roles],
  )
  const ids = useMemo(() => listed.map(([being]) => being), [listed])
  const entities = useEntities(space, ids)
  const members = useMemo(
    () => listed.map(([being, role]) => ({ being, role, entity: entities.get(being) })),
    [listed, entities],
  )
  const isKnown = roles !== undefined
  return useMemo(() => ({ members, isKnown }), [members, isKnown])
}

export interface SpaceAccess {
  /** Of oneself; undefined if one is no member, or the server does not tell. */
  role: Role | undefined
  /** Whether one is located in the space. */
  isHere: boolean
  /** By one's role, or by what the space says of those without one. Being here gives no right. */
  canWrite: boolean
  /** Asks to be located in the space. */
  enter: () => void
  entering: boolean
  /** Why entering was turned down, for a person. */
  problem: string | undefined
}

export interface AccessOptions {
  /**
   * Enters once, when the space is there, and never again by itself: two tabs on two spaces do not pull their person to
   * and fro. What waits to be sent goes first: others see whoever says it where it is said.
   */
  enters?: boolean
}

/** What oneself may do in a space. */
export function useSpaceAccess(space: SpaceId, { enters = false }: AccessOptions = {}): SpaceAccess {
  const client = useRhizom()
  const self = client.session().being.id
  useWatch(space, false)
  const role = useSpacePart(
    space,
    useCallback((state: SpaceState) => roleIn(state, self), [self]),
  )
  const isHere = useSpacePart(
    space,
    useCallback((state: SpaceState) => isLocatedIn(state, self), [self]),
  )
  const canWrite = useSpacePart(
    space,
    useCallback((state: SpaceState) => writesIn(state, self), [self]),
  )
  const isLoaded = useSpacePart(space, hasContent)
  const entering = usePendingMutations(space).some(({ mutation }) => mutation.name === 'being.move')
  const isWaiting = usePendingCount() > 0
  const [problem, setProblem] = useState<string>()

  const enter = useCallback(() => {
    const asked = client.mutate('being.move', space, { id: self })
    void asked.then((outcome) => setProblem(outcome.status === 'rejected' ? outcome.message : undefined))
  }, [client, space, self])

  const enteredSpace = useRef<SpaceId>(undefined)
  useEffect(() => {
    if (!enters || !isLoaded || isWaiting || enteredSpace.current === space) return
    enteredSpace.current = space
    if (!isHere) enter()
  }, [enters, isLoaded, isWaiting, isHere, enter, space])

  return useMemo(
    () => ({ role, isHere, canWrite, enter, entering, problem }),
    [role, isHere, canWrite, enter, entering, problem],
  )
}

const hasContent = ({ content }: SpaceState): boolean => content !== undefined
