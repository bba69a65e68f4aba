/**
 * What a mutation does to the world, or why it is rejected: the only place that knows the meaning of each mutation.
 * It reads and alters nothing; apply-batch.ts applies the ops. Time and the epoch of a new space are arguments.
 *
 * The questions come in a fixed order: is the actor there; may it read the space (if not, the space is `not-found`
 * and nothing about its inside is told); does the thing exist; is it here; may the actor; is it within limits.
 */
import { type Being, type BeingId, type Intention, type Mutation, type Space, type SpaceId } from '@rhizom/protocol'
import { changeIntention } from './change-intention.ts'
import { accept, type DecideContext, type DecideOptions, type Decision, reject } from './decision.ts'
import { mayChangeBeing, mayEnter, mayRead, mayWrite, owns } from './permission.ts'
import type { WorldOp } from './world-op.ts'
import type { WorldReader } from './world-reader.ts'

export type { DecideContext, DecideOptions, Decision } from './decision.ts'

type Of<Name extends Mutation['name']> = Extract<Mutation, { name: Name }>

export function decide(
  world: WorldReader,
  mutation: Mutation,
  context: DecideContext,
  options: DecideOptions,
): Decision {
  if (world.being(context.actor) === undefined) return reject('forbidden', 'the actor does not exist any more')
  if (mutation.name === 'space.create') return createSpace(world, mutation, context)
  if (mutation.space === null) return decideNowhere(world, mutation, context)
  const space = world.space(mutation.space)
  if (space === undefined || !mayRead(world, space, context.actor))
    return reject('not-found', `no space ${mutation.space}`)
  return decideInSpace(world, space, mutation, context, options)
}

function decideNowhere(world: WorldReader, mutation: Mutation, context: DecideContext): Decision {
  switch (mutation.name) {
    case 'being.create':
      return createBeing(world, null, mutation, context)
    case 'being.update':
      return updateBeing(world, null, mutation, context)
    case 'being.move':
      return moveBeing(world, null, mutation, context)
    case 'being.remove':
      return removeBeing(world, null, mutation, context)
    default:
      return reject('not-found', `${mutation.name} needs a space`)
  }
}

function decideInSpace(
  world: WorldReader,
  space: Space,
  mutation: Exclude<Mutation, Of<'space.create'>>,
  context: DecideContext,
  options: DecideOptions,
): Decision {
  switch (mutation.name) {
    case 'space.update':
      return updateSpace(world, space, mutation, context)
    case 'space.remove':
      if (!owns(world, space, context.actor)) return reject('forbidden', 'only an owner removes a space')
      return accept({ kind: 'space.remove', log: space.id })
    case 'being.create':
      if (!mayWrite(world, space, context.actor)) return reject('forbidden', `may not write in ${space.id}`)
      return createBeing(world, space.id, mutation, context)
    case 'being.update':
      return updateBeing(world, space.id, mutation, context)
    case 'being.move':
      if (!mayEnter(world, space, context.actor)) return reject('not-found', `no space ${space.id}`)
      return moveBeing(world, space.id, mutation, context)
    case 'being.remove':
      return removeBeing(world, space.id, mutation, context)
    case 'intention.create':
      return createIntention(world, space, mutation, context)
    case 'intention.update':
    case 'intention.append':
    case 'intention.claim':
    case 'intention.retry':
    case 'intention.remove':
      return changeIntention(world, space, mutation, context, options)
    case 'member.put':
      return putMember(world, space, mutation, context)
    case 'member.remove':
      return removeMember(world, space, mutation, context)
    default:
      return mutation satisfies never
  }
}

function createSpace(world: WorldReader, { space: id, args }: Of<'space.create'>, context: DecideContext): Decision {
  if (world.isTaken(id)) return reject('taken', `${id} is taken`)
  const space = {
    id,
    name: args.name,
    visibility: args.visibility ?? 'public',
    epoch: context.epoch,
    createdAt: context.at,
  }
  return accept(
    { kind: 'space.put', log: id, space },
    { kind: 'member.put', log: id, being: context.actor, role: 'owner' },
    { kind: 'being.put', log: null, being: newBeing({ id, type: 'space', name: args.name }, null, context) },
  )
}

function updateSpace(world: WorldReader, space: Space, { args }: Of<'space.update'>, context: DecideContext): Decision {
  if (!owns(world, space, context.actor)) return reject('forbidden', 'only an owner changes a space')
  const { version: _version, ...rest } = space
  const name = args.name ?? space.name
  const ops: WorldOp[] = [
    { kind: 'space.put', log: space.id, space: { ...rest, name, visibility: args.visibility ?? space.visibility } },
  ]
  const being = world.being(space.id)
  if (being !== undefined && being.name !== name)
    ops.push({ kind: 'being.put', log: null, being: { ...being, name, modifiedAt: context.at } })
  return accept(...ops)
}

type NewBeing = Pick<Being, 'id' | 'type' | 'name'> & {
  metadata?: Being['metadata'] | undefined
  properties?: Being['properties'] | undefined
  content?: Being['content'] | undefined
}

const newBeing = (given: NewBeing, location: SpaceId | null, context: DecideContext): Being => ({
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

function createBeing(
  world: WorldReader,
  location: SpaceId | null,
  { args }: Of<'being.create'>,
  context: DecideContext,
): Decision {
  if (world.isTaken(args.id)) return reject('taken', `${args.id} is taken`)
  return accept({ kind: 'being.put', log: location, being: newBeing(args, location, context) })
}

/** The being a mutation names, if the actor may change it and it is `here`, where that matters. */
function changeable(
  world: WorldReader,
  here: SpaceId | null | undefined,
  id: BeingId,
  actor: BeingId,
): { being: Being } | { refused: Decision } {
  const being = world.being(id)
  if (being === undefined) return { refused: reject('not-found', `no being ${id}`) }
  if (being.type === 'space') return { refused: reject('forbidden', 'a space is changed by space.update') }
  if (here !== undefined && being.location !== here)
    return { refused: reject('wrong-space', `${id} is not located ${here === null ? 'nowhere' : `in ${here}`}`) }
  if (!mayChangeBeing(world, being, actor)) return { refused: reject('forbidden', `may not change ${id}`) }
  return { being }
}

function updateBeing(
  world: WorldReader,
  here: SpaceId | null,
  { args }: Of<'being.update'>,
  context: DecideContext,
): Decision {
  const found = changeable(world, here, args.id, context.actor)
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

function moveBeing(
  world: WorldReader,
  to: SpaceId | null,
  { args }: Of<'being.move'>,
  context: DecideContext,
): Decision {
  const found = changeable(world, undefined, args.id, context.actor)
  if ('refused' in found) return found.refused
  const from = found.being.location
  if (from === to) return accept()
  const ops: WorldOp[] = from === null ? [] : [{ kind: 'being.leave', log: from, id: args.id }]
  const moved = { ...found.being, location: to, modifiedAt: context.at }
  return accept(...ops, { kind: 'being.put', log: to, being: moved })
}

function removeBeing(
  world: WorldReader,
  here: SpaceId | null,
  { args }: Of<'being.remove'>,
  context: DecideContext,
): Decision {
  const found = changeable(world, here, args.id, context.actor)
  if ('refused' in found) return found.refused
  return accept({ kind: 'being.remove', log: here, id: args.id })
}

function createIntention(
  world: WorldReader,
  space: Space,
  { args }: Of<'intention.create'>,
  context: DecideContext,
): Decision {
  if (!mayWrite(world, space, context.actor)) return reject('forbidden', `may not write in ${space.id}`)
  if (world.intention(args.id) !== undefined) return reject('taken', `${args.id} is taken`)
  const intention: Intention = {
    id: args.id,
    type: args.type,
    state: args.state ?? 'complete',
    owner: context.actor,
    location: space.id,
    content: args.content,
    rev: 0,
    createdAt: context.at,
    modifiedAt: context.at,
    replyTo: null,
    claim: null,
    attempt: 1,
  }
  return accept({ kind: 'intention.put', log: space.id, intention })
}

function putMember(world: WorldReader, space: Space, { args }: Of<'member.put'>, context: DecideContext): Decision {
  if (!owns(world, space, context.actor)) return reject('forbidden', 'only an owner changes members')
  const being = world.being(args.being)
  if (being === undefined || being.type === 'space') return reject('not-found', `no being ${args.being}`)
  if (args.role !== 'owner' && isLastOwner(world, space.id, args.being))
    return reject('last-owner', 'a space keeps at least one owner')
  return accept({ kind: 'member.put', log: space.id, being: args.being, role: args.role })
}

function removeMember(
  world: WorldReader,
  space: Space,
  { args }: Of<'member.remove'>,
  context: DecideContext,
): Decision {
  if (!owns(world, space, context.actor)) return reject('forbidden', 'only an owner changes members')
  if (world.role(space.id, args.being) === undefined) return reject('not-found', `${args.being} is no member`)
  if (isLastOwner(world, space.id, args.being)) return reject('last-owner', 'a space keeps at least one owner')
  return accept({ kind: 'member.remove', log: space.id, being: args.being })
}

const isLastOwner = (world: WorldReader, space: SpaceId, being: BeingId): boolean =>
  world.role(space, being) === 'owner' && world.ownerCount(space) === 1
