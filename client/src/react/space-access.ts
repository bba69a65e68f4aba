/** Who may write in a space, as far as its state tells. */
import type { BeingId, Role } from '@rhizom/protocol'
import type { SpaceState } from '../core/space-state.ts'

export const roleIn = ({ content }: SpaceState, being: BeingId): Role | undefined => content?.members?.[being]

export const isLocatedIn = ({ id, content }: SpaceState, being: BeingId): boolean =>
  content?.beings[being]?.location === id

/** Beings that are there write, and members from anywhere who are not viewers. */
export function writesIn(state: SpaceState, being: BeingId): boolean {
  const role = roleIn(state, being)
  return role === 'owner' || role === 'member' || isLocatedIn(state, being)
}
