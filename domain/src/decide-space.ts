/** What mutations of a space and of its members do, or why they are rejected. */
import type { BeingId, Space, SpaceId } from '@rhizom/protocol'
import { beingFor, newBeing, toNowhere } from './decide-being.ts'
import { accept, type DecideContext, type Decision, type Of, reject } from './decision.ts'
import { mayGovern } from './permission.ts'
import type { WorldOp } from './world-op.ts'
import type { WorldReader } from './world-reader.ts'

export function createSpace(
  world: WorldReader,
  { space: id, args }: Of<'space.create'>,
  context: DecideContext,
): Decision {
  if (world.isTaken(id)) return reject('taken', `${id} is taken`)
  const space = {
    id,
    name: args.name,
    visibility: args.visibility ?? 'public',
    posting: args.posting ?? 'everyone',
    historyFrom: 0,
    epoch: context.epoch,
    createdAt: context.at,
  } as const
  return accept(
    { kind: 'space.put', log: id, space },
    { kind: 'member.put', log: id, being: context.actor, role: 'owner' },
    { kind: 'being.put', log: null, being: newBeing({ id, type: 'space', name: args.name }, null, context) },
  )
}

export function updateSpace(
  world: WorldReader,
  space: Space,
  { args }: Of<'space.update'>,
  context: DecideContext,
): Decision {
  if (!mayGovern(world, space, context.actor)) return reject('forbidden', 'only an owner changes a space')
  const { version: _version, ...rest } = space
  const isOpened = space.visibility === 'private' && args.visibility === 'public'
  const updated = {
    ...rest,
    // Another history: whoever follows the former one starts over, and its log is told to nobody.
    ...(isOpened && args.history === 'hide' ? { epoch: context.epoch, historyFrom: space.version } : {}),
    name: args.name ?? space.name,
    visibility: args.visibility ?? space.visibility,
    posting: args.posting ?? space.posting,
  }
  const ops: WorldOp[] = [{ kind: 'space.put', log: space.id, space: updated }]
  const being = world.being(space.id)
  if (being !== undefined && being.name !== updated.name)
    ops.push({ kind: 'being.put', log: null, being: { ...being, name: updated.name, modifiedAt: context.at } })
  return accept(...ops)
}

export function removeSpace(world: WorldReader, space: Space, { actor }: DecideContext): Decision {
  if (!mayGovern(world, space, actor)) return reject('forbidden', 'only an owner removes a space')
  return accept({ kind: 'space.remove', log: space.id })
}

/** Whoever is banned is not in the space: it leaves first, so that nothing of it comes after the ban. */
export function putMember(
  world: WorldReader,
  space: Space,
  { args }: Of<'member.put'>,
  context: DecideContext,
): Decision {
  if (!mayGovern(world, space, context.actor)) return reject('forbidden', 'only an owner changes members')
  const found = beingFor(world, args.being, context.actor)
  if ('refused' in found) return found.refused
  const { being } = found
  if (being.type === 'space') return reject('not-found', `no being ${args.being}`)
  if (being.type === 'document') return reject('forbidden', 'a document has no role')
  if (args.role !== 'owner' && isLastOwner(world, space.id, args.being))
    return reject('last-owner', 'a space keeps at least one owner')
  const isPutOut = args.role === 'banned' && being.location === space.id
  const ops: WorldOp[] = isPutOut ? toNowhere(being, context) : []
  return accept(...ops, { kind: 'member.put', log: space.id, being: args.being, role: args.role })
}

export function removeMember(
  world: WorldReader,
  space: Space,
  { args }: Of<'member.remove'>,
  context: DecideContext,
): Decision {
  if (!mayGovern(world, space, context.actor)) return reject('forbidden', 'only an owner changes members')
  if (world.role(space.id, args.being) === undefined) return reject('not-found', `${args.being} is no member`)
  if (isLastOwner(world, space.id, args.being)) return reject('last-owner', 'a space keeps at least one owner')
  return accept({ kind: 'member.remove', log: space.id, being: args.being })
}

const isLastOwner = (world: WorldReader, space: SpaceId, being: BeingId): boolean =>
  world.role(space, being) === 'owner' && world.ownerCount(space) === 1
