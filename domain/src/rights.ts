/**
 * What a role may do in a space, as one table: the only place where that is said. Whoever has no role there stands as
 * the space makes it: a `visitor` where it is public and everyone posts, an `onlooker` where it is public and its
 * members post, a `stranger` where it is private. To strangers and to those who are banned the space is not there.
 */
import type { Role, Space } from '@rhizom/protocol'

export const RIGHTS = {
  read: 'reads it, watches it, is here, signals',
  enter: 'moves own beings into it',
  write: 'says something, changes what it said, creates beings there',
  moderate: 'changes and removes what others said and documents located there, and expels',
  govern: 'changes and removes the space, and says who has which role',
} as const
export type Right = keyof typeof RIGHTS

export type Standing = Role | 'visitor' | 'onlooker' | 'stranger'

export const RIGHTS_OF: Readonly<Record<Standing, readonly Right[]>> = {
  owner: ['read', 'enter', 'write', 'moderate', 'govern'],
  member: ['read', 'enter', 'write'],
  viewer: ['read', 'enter'],
  banned: [],
  visitor: ['read', 'enter', 'write'],
  onlooker: ['read', 'enter'],
  stranger: [],
}

/** How somebody with this role, or none, stands in a space. */
export function standingIn({ visibility, posting }: Pick<Space, 'visibility' | 'posting'>, role?: Role): Standing {
  if (role !== undefined) return role
  if (visibility === 'private') return 'stranger'
  return posting === 'members' ? 'onlooker' : 'visitor'
}
