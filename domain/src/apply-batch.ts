/**
 * Decides a batch in order, each mutation on the world the one before left behind. A mutation that the ledger holds
 * is answered from it; so is the second of two with the same id in one batch. A refusal of whoever asks for a space
 * that is not there, or not there for it, is not remembered: it costs the asker a question and nobody else a row.
 */
import type {
  BeingId,
  Epoch,
  IntentionId,
  InviteId,
  Mutation,
  MutationId,
  MutationResult,
  SpaceId,
} from '@rhizom/protocol'
import { decide, readableSpace } from './decide.ts'
import type { DecideOptions } from './decision.ts'
import { decideInvite } from './invite.ts'
import { asOperator } from './operator.ts'
import { completedBy, repliesTo } from './reply.ts'
import { applyOp, type LoggedChange, type WorldOp } from './world-op.ts'
import { type Outcome, readerOf, type World } from './world.ts'
import type { WorldReader } from './world-reader.ts'

/** A mutation with who asks for it and the epoch to use should it create a space. */
export interface RequestedMutation {
  actor: BeingId
  /** Whether it is an operator who asks; the actor is `OPERATOR` then. */
  isOperator?: boolean
  /** The invite that gives the role which `mutation` asks for, to the actor. */
  invite?: InviteId
  mutation: Mutation
  epoch: Epoch
  /** Makes the id of a reply, should this mutation wake a bot. Without it none is woken. */
  newReplyId?: () => IntentionId
}

export interface BatchResult {
  /** One for each requested, in order. */
  results: MutationResult[]
  changes: LoggedChange[]
}

/** Decides `requested` in order on `world`, which it moves forward, the ledger included. */
export function applyBatch(
  world: World,
  requested: readonly RequestedMutation[],
  at: number,
  options: DecideOptions,
): BatchResult {
  const results: MutationResult[] = []
  const changes: LoggedChange[] = []
  const readers = { ofAll: readerOf(world), ofOperators: asOperator(readerOf(world)) }
  for (const { actor, isOperator = false, invite, mutation, epoch, newReplyId } of requested) {
    const reader = isOperator ? readers.ofOperators : readers.ofAll
    const former = world.ledger.get(actor, mutation.id)
    if (former !== undefined) {
      results.push(duplicateOf(mutation.id, former))
      continue
    }
    const context = { actor, at, epoch }
    const decision =
      invite === undefined
        ? decide(reader, mutation, context, options)
        : decideInvite(reader, world.invites.get(invite), context)
    if (!decision.accepted) {
      const outcome: Outcome = { status: 'rejected', error: decision.error }
      if (invite === undefined && isRemembered(reader, actor, mutation)) world.ledger.set(actor, mutation.id, outcome)
      results.push({ id: mutation.id, ...outcome })
      continue
    }
    const apply = (ops: readonly WorldOp[]): LoggedChange[] =>
      ops.flatMap((op) => applyOp(world, op, { actor, mutation: mutation.id, at }) ?? [])
    const completed = newReplyId === undefined ? [] : completedBy(world, decision.ops)
    const made = apply(decision.ops)
    changes.push(...made)
    if (invite !== undefined && made.length > 0) takeUse(world, invite)
    if (newReplyId !== undefined)
      for (const id of completed) changes.push(...apply(repliesTo(world, id, at, newReplyId)))
    const outcome = appliedAt(lastVersionIn(made, mutation.space))
    world.ledger.set(actor, mutation.id, outcome)
    results.push({ id: mutation.id, ...outcome })
  }
  return { results, changes }
}

function takeUse({ invites }: World, id: InviteId): void {
  const invite = invites.get(id)
  if (invite !== undefined) invites.set(id, { ...invite, usesLeft: invite.usesLeft - 1 })
}

const isRemembered = (world: WorldReader, actor: BeingId, mutation: Mutation): boolean =>
  mutation.space === null || mutation.name === 'space.create' || readableSpace(world, mutation, { actor }) !== undefined

const appliedAt = (version: number | undefined): Outcome =>
  version === undefined ? { status: 'applied' } : { status: 'applied', version }

const lastVersionIn = (changes: readonly LoggedChange[], space: SpaceId | null): number | undefined =>
  changes.findLast((made) => made.space === space)?.change.version

/** The first outcome, told again. */
export function duplicateOf(id: MutationId, outcome: Outcome): MutationResult {
  switch (outcome.status) {
    case 'applied':
      return { id, status: 'duplicate', ...(outcome.version === undefined ? {} : { version: outcome.version }) }
    case 'rejected':
      return { id, status: 'duplicate', error: outcome.error }
    default:
      return outcome satisfies never
  }
}
