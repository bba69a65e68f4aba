/** What mutations lock and read, by what they ask for, before anything is asked of the database. */
import { PairMap, type RequestedMutation } from '@rhizom/domain'
import type { BeingId, IntentionId, Mutation, SpaceId } from '@rhizom/protocol'

/** What a batch locks and reads, gathered before anything is asked. */
export interface LockScope {
  spaces: Set<SpaceId>
  beings: Set<BeingId>
  /** Beings whose place or row changes, with those who ask for it: where they are must be locked. */
  changing: PairMap<BeingId, BeingId, true>
  /** Beings that are removed, in the same way: where they have roles must be locked. */
  removing: PairMap<BeingId, BeingId, true>
  intentions: Set<IntentionId>
  /** Whose role in which space is asked for, if not that of all `beings` in all `spaces`. */
  roles: PairMap<SpaceId, BeingId, true> | undefined
  /** Whether owners must be counted. */
  countsOwners: boolean
  /** Spaces where bots may be woken. */
  bots: Set<SpaceId>
  /** Intentions that may be carried out or stopped by others than their owner. */
  asked: { actor: BeingId; id: IntentionId }[]
}

export function lockScopeOf(spaces: readonly SpaceId[], requested: readonly RequestedMutation[]): LockScope {
  const scope: LockScope = {
    spaces: new Set(spaces),
    beings: new Set(),
    changing: new PairMap(),
    removing: new PairMap(),
    intentions: new Set(),
    roles: requested.every(({ mutation }) => mayShare(mutation)) ? new PairMap() : undefined,
    countsOwners: false,
    bots: new Set(),
    asked: [],
  }
  for (const { actor, isOperator = false, mutation } of requested) {
    // An operator is no being, and may change each as that may change itself.
    const onBehalfOf = (id: BeingId): BeingId => (isOperator ? id : actor)
    if (!isOperator) scope.beings.add(actor)
    if (mutation.space !== null) scope.roles?.set(mutation.space, actor, true)
    switch (mutation.name) {
      case 'space.create':
      case 'space.update':
        scope.beings.add(mutation.space)
        break
      case 'space.remove':
        break
      case 'being.create':
        scope.beings.add(mutation.args.id)
        break
      case 'being.expel':
        scope.beings.add(mutation.args.id)
        break
      case 'being.update':
      case 'being.remove':
        scope.beings.add(mutation.args.id)
        // In a space, being located there is covered by the space's lock and anything else is rejected.
        if (mutation.space === null) scope.changing.set(mutation.args.id, onBehalfOf(mutation.args.id), true)
        if (mutation.name === 'being.remove') scope.removing.set(mutation.args.id, onBehalfOf(mutation.args.id), true)
        break
      case 'being.move':
        scope.beings.add(mutation.args.id)
        scope.changing.set(mutation.args.id, actor, true)
        break
      case 'intention.update':
      case 'intention.append':
      case 'intention.claim':
      case 'intention.retry':
        scope.asked.push({ actor, id: mutation.args.id })
        scope.intentions.add(mutation.args.id)
        if (mutation.name === 'intention.update' && mutation.args.state === 'complete') scope.bots.add(mutation.space)
        break
      case 'intention.create':
        scope.bots.add(mutation.space)
        scope.intentions.add(mutation.args.id)
        break
      case 'intention.remove':
        scope.intentions.add(mutation.args.id)
        break
      case 'member.put':
      case 'member.remove':
        scope.beings.add(mutation.args.being)
        scope.countsOwners = true
        break
      default:
        mutation satisfies never
    }
  }
  return scope
}

/**
 * Whether its transaction may be that of other spaces too. What concerns intentions changes nothing beside its space
 * and names no being: it waits for one lock, and asks for the role of its actor there and of nobody else.
 */
export function mayShare(mutation: Mutation): boolean {
  switch (mutation.name) {
    case 'intention.create':
    case 'intention.update':
    case 'intention.append':
    case 'intention.claim':
    case 'intention.retry':
    case 'intention.remove':
      return true
    case 'space.create':
    case 'space.update':
    case 'space.remove':
    case 'being.create':
    case 'being.update':
    case 'being.expel':
    case 'being.move':
    case 'being.remove':
    case 'member.put':
    case 'member.remove':
      return false
    default:
      return mutation satisfies never
  }
}
