/**
 * Whom an utterance wakes. An activation is an intention of the bot: a reply, in state `draft`, made in the transaction
 * of the utterance, so that it is seen, ordered and retried like everything else, and never lost.
 *
 * A being of type `bot` says in `properties.wakes` when it wakes: `all`, `mention` (also if it says nothing) or
 * `never`. Bots wake bots only by mention, and replies to replies end at a bound.
 */
import { type Being, type BeingId, type IntentionId, LIMITS, type SpaceId } from '@rhizom/protocol'
import { mentionsIn } from './mention.ts'
import { mayWrite } from './permission.ts'
import { readerOf, type World } from './world.ts'
import type { WorldOp } from './world-op.ts'

export type Wakes = 'all' | 'mention' | 'never'

export function wakesOf({ properties }: Pick<Being, 'properties'>): Wakes {
  const wakes = properties['wakes']
  return wakes === 'all' || wakes === 'never' ? wakes : 'mention'
}

/** The utterances that `ops` complete, asked before they are applied. */
export const completedBy = (world: World, ops: readonly WorldOp[]): IntentionId[] =>
  ops.flatMap((op) => {
    if (op.kind !== 'intention.put' || op.intention.type !== 'utterance' || op.intention.state !== 'complete') return []
    return world.intentions.get(op.intention.id)?.state === 'complete' ? [] : [op.intention.id]
  })

/** The replies that an utterance asks for. `newId` makes an id nobody had before. */
export function repliesTo(world: World, id: IntentionId, at: number, newId: () => IntentionId): WorldOp[] {
  const utterance = world.intentions.get(id)
  if (utterance === undefined) return []
  const { location, owner } = utterance
  const isOfBot = world.beings.get(owner)?.type === 'bot'
  const chain = (isOfBot ? Math.max(1, utterance.chain ?? 0) : 0) + 1
  const candidates = botsIn(world, location).filter((bot) => bot.id !== owner && wakesOf(bot) !== 'never')
  if (candidates.length === 0 || chain > LIMITS.maxReplyChain) return []
  const mentioned = mentionsIn(utterance.content)
  const woken = candidates.filter((bot) => mentioned.has(bot.id) || (!isOfBot && wakesOf(bot) === 'all'))
  const inOrder = woken.sort((left, right) => rank(mentioned, left) - rank(mentioned, right) || byId(left, right))
  const writers = inOrder.filter((bot) => mayReply(world, location, bot)).slice(0, LIMITS.maxReplies)
  return writers.map((bot) => ({
    kind: 'intention.put',
    log: location,
    intention: {
      id: newId(),
      type: 'utterance',
      state: 'draft',
      owner: bot.id,
      location,
      content: [],
      rev: 0,
      createdAt: at,
      modifiedAt: at,
      replyTo: id,
      claim: null,
      attempt: 1,
    },
    kept: { chain },
  }))
}

/** Who is mentioned comes before who wakes anyway. */
const rank = (mentioned: ReadonlySet<BeingId>, { id }: Being): number => (mentioned.has(id) ? 0 : 1)
const byId = (left: Being, right: Being): number => (left.id < right.id ? -1 : 1)

/** Bots located in a space: those that were loaded, as the batch has left them, and those that it brought. */
function botsIn(world: World, space: SpaceId): Being[] {
  const loaded = [...world.bots.of(space).values()].flatMap((bot) =>
    world.beings.has(bot.id) || world.removedBeings.has(bot.id) ? [] : [bot],
  )
  const here = [...world.beings.values()].filter((being) => being.type === 'bot' && being.location === space)
  return [...loaded, ...here]
}

function mayReply(world: World, location: SpaceId, bot: Being): boolean {
  const reader = readerOf(world)
  const space = reader.space(location)
  const withBot = { ...reader, being: (id: BeingId) => (id === bot.id ? bot : reader.being(id)) }
  return space !== undefined && mayWrite(withBot, space, bot.id)
}
