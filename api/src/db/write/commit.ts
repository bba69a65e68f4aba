/**
 * One transaction for several units of one space: lock, load, decide, store, commit. Retries by itself what another
 * transaction was in the way of; says by its error what else happened (failure.ts). Group commit decides which units
 * share a transaction; publishing is the caller's, after this returns.
 */
import {
  applyBatch,
  blankRemovedWords,
  copyWorld,
  type DecideOptions,
  type LoggedChange,
  type RequestedMutation,
} from '@rhizom/domain'
import type { BeingId, Mutation, MutationResult, SpaceId } from '@rhizom/protocol'
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid'
import type { Database, Sql } from '../database.ts'
import { DatabaseAway, failureOf, OutcomeUnknown } from '../failure.ts'
import { loadWorld, StaleLocks } from './load-world.ts'
import type { RemovedBeing } from '../read/removed-beings.ts'
import { storeWorld } from './store-world.ts'

/** One request's mutations of one space, in order. */
export interface Unit {
  actor: BeingId
  /** Whether it is an operator who asks; the actor is `OPERATOR` then. */
  isOperator?: boolean
  mutations: readonly Mutation[]
}

/** `actor-gone`: whoever asked does not exist (any more); nothing of its unit was done. */
export type UnitOutcome = { status: 'decided'; results: MutationResult[] } | { status: 'actor-gone' }

export interface Committed {
  /** One for each unit, in order. */
  outcomes: UnitOutcome[]
  /** In commit order within each space. */
  changes: LoggedChange[]
  /** Their tokens are no longer good. */
  removed: RemovedBeing[]
}

const MAX_ATTEMPTS = 6

export interface CommitOptions extends DecideOptions {
  onRetry: () => void
}

export async function commitUnits(
  database: Database,
  space: SpaceId | null,
  units: readonly Unit[],
  options: CommitOptions,
): Promise<Committed> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.use((sql) => transact(sql, space, units, options))
    } catch (error) {
      const another = error instanceof StaleLocks || failureOf(error) === 'conflict'
      if (!another) throw error
      if (attempt === MAX_ATTEMPTS) throw new DatabaseAway('other writers were in the way', { cause: error })
      options.onRetry()
    }
  }
}

async function transact(
  sql: Sql,
  space: SpaceId | null,
  units: readonly Unit[],
  options: DecideOptions,
): Promise<Committed> {
  const requested: RequestedMutation[] = units.flatMap(({ actor, isOperator = false, mutations }) =>
    mutations.map((mutation) => ({ actor, isOperator, mutation, epoch: uuidv4(), newReplyId: () => uuidv7() })),
  )
  // A query is sent when it is awaited unless told otherwise, and this one must go before those of loadWorld.
  const begun = sql`begin`.execute()
  const [, { world: before, at, formerSpaces }] = await Promise.all([begun, loadWorld(sql, space, requested)])
  const after = copyWorld(before)
  const outcomes: UnitOutcome[] = []
  const changes: LoggedChange[] = []
  let next = 0
  for (const { actor, isOperator = false, mutations } of units) {
    const ofUnit = requested.slice(next, next + mutations.length)
    next += mutations.length
    if (!isOperator && !after.beings.has(actor)) {
      outcomes.push({ status: 'actor-gone' })
      continue
    }
    const applied = applyBatch(after, ofUnit, at, options)
    outcomes.push({ status: 'decided', results: applied.results })
    for (const change of applied.changes) changes.push(change)
  }
  const told = blankRemovedWords(changes)
  await storeWorld(sql, { before, after, formerSpaces, changes: told, at })
  try {
    await sql`commit`
  } catch (error) {
    if (failureOf(error) === 'away') throw new OutcomeUnknown('the connection was lost at commit', { cause: error })
    throw error
  }
  const removed = [...after.removedBeings].filter((id) => !before.removedBeings.has(id)).map((id) => ({ id, at }))
  return { outcomes, changes: told, removed }
}
