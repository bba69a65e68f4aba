/**
 * Who may do what: the questions of decide.ts, answered by the table of rights (rights.ts) and by whose a being is.
 * Being located somewhere is a fact and gives no right.
 */
import type { Being, BeingId, Intention, Space } from '@rhizom/protocol'
import { type Right, RIGHTS_OF, standingIn } from './rights.ts'
import type { WorldReader } from './world-reader.ts'

const has = (world: WorldReader, space: Space, actor: BeingId, right: Right): boolean =>
  RIGHTS_OF[standingIn(space, world.role(space.id, actor))].includes(right)

/** To whoever may not, the space is not there. */
export const mayRead = (world: WorldReader, space: Space, actor: BeingId): boolean => has(world, space, actor, 'read')
export const mayEnter = (world: WorldReader, space: Space, actor: BeingId): boolean => has(world, space, actor, 'enter')
export const mayWrite = (world: WorldReader, space: Space, actor: BeingId): boolean => has(world, space, actor, 'write')
export const mayModerate = (world: WorldReader, space: Space, actor: BeingId): boolean =>
  has(world, space, actor, 'moderate')
export const mayGovern = (world: WorldReader, space: Space, actor: BeingId): boolean =>
  has(world, space, actor, 'govern')

/** A being belongs to itself and to its owner. */
export const isOwn = (being: Being, actor: BeingId): boolean => being.id === actor || being.owner === actor

/** A guest or bot has a face for everybody; a document is where it is, and a space is a being that is there itself. */
export function maySeeBeing(world: WorldReader, being: Being, actor: BeingId): boolean {
  if (being.type !== 'space' && isOwn(being, actor)) return true
  const home = homeOf(being)
  if (home === null) return true
  const space = world.space(home)
  return space !== undefined && mayRead(world, space, actor)
}

const homeOf = ({ type, id, location }: Being): string | null =>
  type === 'space' ? id : type === 'document' ? location : null

/** A being is changed and removed by whom it belongs to, a document also by whoever moderates the space it is in. */
export function mayChangeBeing(world: WorldReader, being: Being, actor: BeingId): boolean {
  if (isOwn(being, actor) || world.mayChangeAll?.(actor) === true) return true
  if (being.type !== 'document' || being.location === null) return false
  const space = world.space(being.location)
  return space !== undefined && mayModerate(world, space, actor)
}

/** An intention is changed by its owner, while it may write there, or by whoever moderates the space. */
export function mayChangeIntention(world: WorldReader, intention: Intention, actor: BeingId): boolean {
  const space = world.space(intention.location)
  if (space === undefined) return false
  return mayModerate(world, space, actor) || (intention.owner === actor && mayWrite(world, space, actor))
}
