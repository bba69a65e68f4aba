/**
 * What the duty of the leader does to one space: each claim whose lease has run out is taken away, by a change under
 * the name of who held it. It alters `world`, as a batch does; whose locks that stands on is the caller's business.
 */
import type { Intention, MutationId, SpaceId } from '@rhizom/protocol'
import { speechless } from './blank-words.ts'
import { afterLease } from './claim.ts'
import { applyOp, type LoggedChange } from './world-op.ts'
import { keptOf, type PlacedIntention, unplaced, type World } from './world.ts'

export interface ExpireOptions {
  at: number
  /** Leases that may run out on one intention before it has failed. */
  maxAttempts: number
  newId: () => MutationId
}

export function expireLeases(world: World, id: SpaceId, { at, maxAttempts, newId }: ExpireOptions): LoggedChange[] {
  const { historyFrom = 0 } = world.spaces.get(id) ?? {}
  const free = (placed: PlacedIntention): Intention | undefined => {
    const intention = afterLease(unplaced(placed), keptOf(placed), at, maxAttempts)
    if (intention === undefined || placed.position > historyFrom) return intention
    // What is of a history that is not shown is not told by the log of the one that is.
    return speechless(intention)
  }
  return [...world.intentions.values()].flatMap((placed) => {
    const intention = placed.location === id ? free(placed) : undefined
    if (intention === undefined) return []
    const cause = { actor: placed.claim?.by ?? placed.owner, mutation: newId(), at }
    return applyOp(world, { kind: 'intention.put', log: id, intention }, cause) ?? []
  })
}
