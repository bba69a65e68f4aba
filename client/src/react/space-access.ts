/** Who may write in a space, as far as its state tells. */
import { RIGHTS_OF, standingIn } from '@rhizom/domain'
import type { BeingId, Role } from '@rhizom/protocol'
import type { SpaceState } from '../core/space-state.ts'

export const roleIn = ({ content }: SpaceState, being: BeingId): Role | undefined => content?.members?.[being]

export const isLocatedIn = ({ id, content }: SpaceState, being: BeingId): boolean =>
  content?.beings[being]?.location === id

/** By the table of rights. Where no roles are told, whoever reads a private space is taken for a member. */
export function writesIn(state: SpaceState, being: BeingId): boolean {
  const { content } = state
  if (content === undefined) return false
  const untold = content.members === undefined && content.space.visibility === 'private' ? 'member' : undefined
  return RIGHTS_OF[standingIn(content.space, roleIn(state, being) ?? untold)].includes('write')
}

/** Whether one is there in some way: located in it, or with a role from anywhere. */
export const belongsTo = (state: SpaceState, being: BeingId): boolean =>
  isLocatedIn(state, being) || roleIn(state, being) !== undefined
