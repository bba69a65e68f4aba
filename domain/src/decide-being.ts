/**
 * What mutations of beings do, or why they are rejected. Whether the actor may see a being comes first, then whether it
 * may change it, and where it is last: whoever may not change a being is told the same wherever it is.
 */
import type { Being, BeingId, Space, SpaceId } from '@rhizom/protocol'
import { accept, type DecideContext, type Decision, type Of, reject } from './decision.ts'
import { isOwn, mayChangeBeing, mayModerate, mayRead, maySeeBeing } from './permission.ts'
import type { WorldOp } from './world-op.ts'
import type { WorldReader } from './world-reader.ts'

type NewBeing = Pick<Being, 'id' | 'type' | 'name'> & {
  metadata?: Being['metadata'] | undefined
  properties?: Being['properties'] | undefined
  content?: Being['content'] | undefined
}

export const newBeing = (given: NewBeing, location: SpaceId | null, context: DecideContext): Being => ({
  id: given.id,
  type: given.type,
  name: given.name,
  owner: context.actor,
  location,
  metadata: given.metadata ?? {},
  properties: given.properties ?? {},
  content: given.content ?? [],
  rev: 0,
  createdAt: context.at,
  modifiedAt: context.at,
  lastSeenAt: null,
})

export function createBeing(
  world: WorldReader,
  location: SpaceId | null,
  { args }: Of<'being.create'>,
  context: DecideContext,
): Decision {
  if (world.isTaken(args.id)) return reject('taken', `${args.id} is taken`)
  return accept({ kind: 'being.put', log: location, being: newBeing(args, location, context) })
}

type Found = { being: Being } | { refused: Decision }

/** The being a mutation names, if the actor may see it. */
export function beingFor(world: WorldReader, id: BeingId, actor: BeingId): Found {
  const being = world.being(id)
  if (being === undefined || !maySeeBeing(world, being, actor))
    return { refused: reject('not-found', `no being ${id}`) }
  return { being }
}

/** If the actor may change it. */
function findChangeable(world: WorldReader, id: BeingId, actor: BeingId): Found {
  const found = beingFor(world, id, actor)
  if ('refused' in found) return found
  if (found.being.type === 'space') return { refused: reject('forbidden', 'a space is changed by space.update') }
  if (!mayChangeBeing(world, found.being, actor)) return { refused: reject('forbidden', `may not change ${id}`) }
  return found
}

/** If it is `here` as well. */
function findHere(world: WorldReader, here: SpaceId | null, id: BeingId, actor: BeingId): Found {
  const found = findChangeable(world, id, actor)
  if ('refused' in found || found.being.location === here) return found
  return { refused: elsewhere(id, here) }
}

const elsewhere = (id: BeingId, here: SpaceId | null): Decision =>
  reject('wrong-space', `${id} is not located ${here === null ? 'nowhere' : `in ${here}`}`)

export function updateBeing(
  world: WorldReader,
  here: SpaceId | null,
  { args }: Of<'being.update'>,
  context: DecideContext,
): Decision {
  const found = findHere(world, here, args.id, context.actor)
  if ('refused' in found) return found.refused
  const { being } = found
  const updated: Being = {
    ...being,
    name: args.name ?? being.name,
    metadata: args.metadata ?? being.metadata,
    properties: args.properties ?? being.properties,
    content: args.content ?? being.content,
    modifiedAt: context.at,
  }
  return accept({ kind: 'being.put', log: here, being: updated })
}

/** Moved by whom it belongs to; whoever moderates a space can make it leave (`expelBeing`) and no more. */
export function moveBeing(
  world: WorldReader,
  to: SpaceId | null,
  { args }: Of<'being.move'>,
  context: DecideContext,
): Decision {
  const found = findChangeable(world, args.id, context.actor)
  if ('refused' in found) return found.refused
  if (!isOwn(found.being, context.actor)) return reject('forbidden', `may not move ${args.id}`)
  const from = found.being.location
  if (from === to) return accept()
  const moved = { ...found.being, location: to, modifiedAt: context.at }
  return accept(...leaving(found.being), { kind: 'being.put', log: to, being: moved })
}

/** It is to be nowhere: what its leaving a space does. */
export const toNowhere = (being: Being, { at }: DecideContext): WorldOp[] => [
  ...leaving(being),
  { kind: 'being.put', log: null, being: { ...being, location: null, modifiedAt: at } },
]

const leaving = ({ id, location }: Being): WorldOp[] =>
  location === null ? [] : [{ kind: 'being.leave', log: location, id }]

export function expelBeing(
  world: WorldReader,
  space: Space,
  { args }: Of<'being.expel'>,
  context: DecideContext,
): Decision {
  if (!mayModerate(world, space, context.actor)) return reject('forbidden', 'only an owner expels')
  const found = beingFor(world, args.id, context.actor)
  if ('refused' in found) return found.refused
  if (found.being.location !== space.id) return elsewhere(args.id, space.id)
  return accept(...toNowhere(found.being, context))
}

/** Its roles go with it, and a space that it alone owns is to be handed on before. */
export function removeBeing(
  world: WorldReader,
  here: SpaceId | null,
  { args }: Of<'being.remove'>,
  { actor }: DecideContext,
): Decision {
  const found = findHere(world, here, args.id, actor)
  if ('refused' in found) return found.refused
  const memberships = world.membershipsOf(args.id)
  const alone = memberships.filter(([space, role]) => role === 'owner' && world.ownerCount(space) === 1)
  if (alone.length > 0) return reject('last-owner', reasonOf(world, args.id, alone, actor))
  const gone = memberships.map(([space]): WorldOp => ({ kind: 'member.remove', log: space, being: args.id }))
  return accept(...gone, { kind: 'being.remove', log: here, id: args.id })
}

/** Names a space that it alone owns, if the actor may know of it. */
function reasonOf(world: WorldReader, id: BeingId, alone: readonly (readonly [SpaceId, unknown])[], actor: BeingId) {
  const known = alone.map(([space]) => world.space(space)).find((space) => space && mayRead(world, space, actor))
  return `${id} is the only owner of ${known?.id ?? 'a space'}: hand it on or remove it first`
}
