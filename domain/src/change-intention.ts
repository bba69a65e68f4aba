/** What changes an intention that is there: under a claim, and without one. Claims themselves are in claim.ts. */
import { type Content, type Intention, jsonBytes, type Space } from '@rhizom/protocol'
import {
  claim,
  findFenced,
  hasClaim,
  isHeldBy,
  isStop,
  mayCarryOut,
  mayStop,
  placeOfAppend,
  renewed,
  retry,
  stop,
  updated,
  writtenIn,
} from './claim.ts'
import { accept, type DecideContext, type DecideOptions, type Decision, type Of, reject } from './decision.ts'
import type { Unread } from './kept.ts'
import { mayChangeIntention } from './permission.ts'
import type { WorldReader } from './world-reader.ts'

type ChangeOfIntention =
  | Of<'intention.update'>
  | Of<'intention.append'>
  | Of<'intention.claim'>
  | Of<'intention.retry'>
  | Of<'intention.remove'>

export function changeIntention(
  world: WorldReader,
  space: Space,
  mutation: ChangeOfIntention,
  context: DecideContext,
  options: DecideOptions,
): Decision {
  const intention = world.intention(mutation.args.id)
  if (intention === undefined || intention.location !== space.id)
    return reject('not-found', `no intention ${mutation.args.id} in ${space.id}`)
  const { actor, at } = context
  if (mutation.name === 'intention.claim') return claim(world, space, intention, mutation, context)
  if (mutation.name === 'intention.retry') return retry(world, space, intention, context)
  if (mutation.name === 'intention.update' && isStop(intention, mutation) && mayStop(world, space, intention, actor))
    return stop(space, intention, at)
  // Whoever goes on with a claim may have claimed it as the owner of the bot.
  const goesOn = isUnderClaim(intention, mutation) && mayCarryOut(world, space, intention, actor)
  if (!goesOn && !mayChangeIntention(world, intention, actor))
    return reject('forbidden', `may not change ${intention.id}`)
  if (mutation.name === 'intention.remove') return accept({ kind: 'intention.remove', log: space.id, id: intention.id })
  if (mutation.name === 'intention.update')
    return findFenced(intention, mutation.args.fence) ?? updateIntention(world, space, intention, mutation, at)
  const { fence = isHeldBy(intention, actor) ? intention.claim?.fence : undefined } = mutation.args
  return findFenced(intention, fence) ?? appendToIntention(world, space, intention, mutation, at, options)
}

/** Whether a mutation says that it goes on with a claim: by a fence, or by appending while one stands. */
function isUnderClaim(intention: Intention, mutation: Exclude<ChangeOfIntention, Of<'intention.retry'>>): boolean {
  if (mutation.name === 'intention.remove') return false
  return mutation.args.fence !== undefined || (mutation.name === 'intention.append' && hasClaim(intention))
}

const updateIntention = (
  world: WorldReader,
  space: Space,
  intention: Intention,
  { args }: Of<'intention.update'>,
  at: number,
): Decision =>
  accept({
    kind: 'intention.put',
    log: space.id,
    intention: updated(intention, args, at, world.kept?.(intention.id)),
  })

function appendToIntention(
  world: WorldReader,
  space: Space,
  intention: Intention,
  { args: { id, text, at: place } }: Of<'intention.append'>,
  at: number,
  { maxContentBytes }: DecideOptions,
): Decision {
  const kept = world.kept?.(id)
  switch (placeOfAppend(intention.content, text, place, kept?.unread)) {
    case 'repeat':
      return accept()
    case 'gap':
      return reject('gap', `the text of ${id} does not end at ${place}`)
    case 'next':
      break
  }
  if (bytesAfterAppend(intention.content, text, kept?.unread) > maxContentBytes)
    return reject('too-large', `content would grow past ${maxContentBytes} bytes`)
  const renewal = intention.claim ? { until: renewed(intention.claim, at, kept).until } : {}
  return accept({ kind: 'intention.append', log: space.id, id, text, at, ...renewal })
}

/** Extending a final text node costs no quotes; a new node costs its own and a comma. */
function bytesAfterAppend(content: Content, text: string, unread: Unread | undefined): number {
  if (unread !== undefined) return bytesAfter(unread, writtenIn(content) + text)
  const separators = typeof content.at(-1) === 'string' ? -2 : content.length === 0 ? 0 : 1
  return jsonBytes(content) + jsonBytes(text) + separators
}

/** Of the content as JSON, when the text that was not read goes on with this. */
export const bytesAfter = ({ bytes }: Unread, text: string): number => bytes + jsonBytes(text) - 2
