/**
 * Who may do what, and nothing else: each question is one function over the world. decide.ts asks them in the order
 * that reveals least, so that a space the caller may not read looks like one that does not exist.
 */
import type { Being, BeingId, Intention, Space } from '@rhizom/protocol'
import type { WorldReader } from './world-reader.ts'

/** Public: any session. Private: members, whatever their role. */
export const mayRead = (world: WorldReader, space: Space, actor: BeingId): boolean =>
  space.visibility === 'public' || world.role(space.id, actor) !== undefined

/** Owners and members write; viewers only read; in a public space those located there write too. */
export function mayWrite(world: WorldReader, space: Space, actor: BeingId): boolean {
  const role = world.role(space.id, actor)
  if (role !== undefined) return role !== 'viewer'
  return space.visibility === 'public' && world.being(actor)?.location === space.id
}

/** Owners change the space and its members. */
export const owns = (world: WorldReader, space: Space, actor: BeingId): boolean =>
  world.role(space.id, actor) === 'owner'

/** A public space is open to every session, a private one to its members. */
export const mayEnter = mayRead

/** A being is changed by itself, by its owner, or by an owner of the space it is in. */
export function mayChangeBeing(world: WorldReader, being: Being, actor: BeingId): boolean {
  if (being.id === actor || being.owner === actor) return true
  return being.location !== null && world.role(being.location, actor) === 'owner'
}

/** An intention is changed by its owner, unless only a viewer by now, or by an owner of the space. */
export function mayChangeIntention(world: WorldReader, intention: Intention, actor: BeingId): boolean {
  const role = world.role(intention.location, actor)
  return role === 'owner' || (intention.owner === actor && role !== 'viewer')
}
