/**
 * What a mutation does to the world, or why it is rejected: the only place that knows the meaning of each mutation,
 * with decide-space.ts and decide-being.ts. It reads and alters nothing; apply-batch.ts applies the ops. Time and the
 * epoch of a new space are arguments.
 *
 * The questions come in a fixed order: is the actor there; may it read the space (if not, the space is `not-found`
 * and nothing about its inside is told); may it see the thing; may it do that; is the thing here; is it within limits.
 */
import type { Intention, Mutation, Rejection, Space } from '@rhizom/protocol'
import { changeIntention } from './change-intention.ts'
import { createBeing, expelBeing, moveBeing, removeBeing, updateBeing } from './decide-being.ts'
import { createSpace, putMember, removeMember, removeSpace, updateSpace } from './decide-space.ts'
import { accept, type DecideContext, type DecideOptions, type Decision, type Of, reject } from './decision.ts'
import { mayEnter, mayRead, mayWrite } from './permission.ts'
import type { WorldReader } from './world-reader.ts'

export function decide(
  world: WorldReader,
  mutation: Mutation,
  context: DecideContext,
  options: DecideOptions,
): Decision {
  if (world.being(context.actor) === undefined) return reject('forbidden', 'the actor does not exist any more')
  if (mutation.name === 'space.create') return createSpace(world, mutation, context)
  if (mutation.space === null) return decideNowhere(world, mutation, context)
  const space = readableSpace(world, mutation, context)
  if (space === undefined) return { accepted: false, error: refusalOfUnreadable(mutation) }
  return decideInSpace(world, space, mutation, context, options)
}

/** What somebody is told who may not read the space that is named, whether it is there or not; or that it is taken. */
export const refusalOfUnreadable = ({ name, space }: Mutation): Rejection =>
  name === 'space.create'
    ? { code: 'taken', message: `${space} is taken` }
    : { code: 'not-found', message: `no space ${space}` }

/** The space that a mutation names, if there is one for the actor. */
export function readableSpace(
  world: WorldReader,
  mutation: Mutation,
  { actor }: Pick<DecideContext, 'actor'>,
): Space | undefined {
  const space = mutation.space === null ? undefined : world.space(mutation.space)
  return space !== undefined && mayRead(world, space, actor) ? space : undefined
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
      return removeSpace(world, space, context)
    case 'being.create':
      if (!mayWrite(world, space, context.actor)) return reject('forbidden', `may not write in ${space.id}`)
      return createBeing(world, space.id, mutation, context)
    case 'being.update':
      return updateBeing(world, space.id, mutation, context)
    case 'being.move':
      if (!mayEnter(world, space, context.actor)) return reject('forbidden', `may not enter ${space.id}`)
      return moveBeing(world, space.id, mutation, context)
    case 'being.expel':
      return expelBeing(world, space, mutation, context)
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
