/**
 * One transaction for units of one or several spaces: lock, load, decide, store, commit. Retries by itself what another
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
import type { BeingId, InviteId, Mutation, MutationResult, SpaceId } from '@rhizom/protocol'
import postgres from 'postgres'
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid'
import type { Database, Sql } from '../database.ts'
import { failureOf, OutcomeUnknown, Overtaken } from '../failure.ts'
import { loadWorld, StaleLocks } from './load-world.ts'
import type { RemovedBeing } from '../read/removed-beings.ts'
import { statementsOf, type WorldChange } from './store-world.ts'

/** One request's mutations of one space, in order. */
export interface Unit {
  actor: BeingId
  /** Whether it is an operator who asks; the actor is `OPERATOR` then. */
  isOperator?: boolean
  /** The invite that is shown for the role which the one mutation asks for. */
  invite?: InviteId
  mutations: readonly Mutation[]
}

/** `actor-gone`: whoever asked does not exist (any more); nothing of its unit was done. */
export type UnitOutcome = { status: 'decided'; results: MutationResult[] } | { status: 'actor-gone' }

/** The units of one space that share a transaction, with those of other spaces or alone. */
export interface SpaceUnits {
  space: SpaceId | null
  units: readonly Unit[]
}

export const mutationsIn = (parts: readonly SpaceUnits[]): number =>
  parts.reduce((sum, { units }) => sum + units.reduce((size, { mutations }) => size + mutations.length, 0), 0)

export interface Committed {
  /** For each part, one for each of its units, in order; `passed-over` if another transaction holds its space. */
  outcomes: (UnitOutcome[] | 'passed-over')[]
  /** In commit order within each space. */
  changes: LoggedChange[]
  /** Their tokens are no longer good. */
  removed: RemovedBeing[]
}

const MAX_ATTEMPTS = 6

export interface CommitOptions extends DecideOptions {
  onRetry: () => void
}

/** With `patient` it waits for the locks of all spaces; otherwise it passes over those that it does not get at once. */
export async function commitParts(
  database: Database,
  parts: readonly SpaceUnits[],
  patient: boolean,
  options: CommitOptions,
): Promise<Committed> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.use((sql) => transact(sql, parts, patient, options))
    } catch (error) {
      const another = error instanceof StaleLocks || failureOf(error) === 'conflict'
      if (!another) throw error
      if (attempt === MAX_ATTEMPTS) throw new Overtaken('other writers were in the way', { cause: error })
      options.onRetry()
    }
  }
}

const requestedIn = ({ actor, isOperator = false, invite, mutations }: Unit): RequestedMutation[] =>
  mutations.map((mutation) => ({
    ...{ actor, isOperator, mutation, epoch: uuidv4(), newReplyId: () => uuidv7() },
    ...(invite === undefined ? {} : { invite }),
  }))

async function transact(
  sql: Sql,
  parts: readonly SpaceUnits[],
  patient: boolean,
  options: DecideOptions,
): Promise<Committed> {
  const asked = parts.map(({ space, units }) => ({
    space,
    units: units.map((unit) => ({
      actor: unit.actor,
      isOperator: unit.isOperator ?? false,
      requested: requestedIn(unit),
    })),
  }))
  const spaces = asked.flatMap(({ space }) => space ?? [])
  const requested = asked.flatMap(({ units }) => units.flatMap((unit) => unit.requested))
  // A query is sent when it is awaited unless told otherwise, and this one must go before those of loadWorld.
  const begun = sql`begin`.execute()
  const [, loaded] = await Promise.all([begun, loadWorld(sql, spaces, requested, patient)])
  const { world: before, at, formerSpaces, locked } = loaded
  const after = copyWorld(before)
  const changes: LoggedChange[] = []
  const decideUnit = (unit: { actor: BeingId; isOperator: boolean; requested: RequestedMutation[] }): UnitOutcome => {
    if (!unit.isOperator && !after.beings.has(unit.actor)) return { status: 'actor-gone' }
    const applied = applyBatch(after, unit.requested, at, options)
    for (const change of applied.changes) changes.push(change)
    return { status: 'decided', results: applied.results }
  }
  const outcomes = asked.map(({ space, units }) =>
    patient || space === null || locked.has(space) ? units.map(decideUnit) : 'passed-over',
  )
  const told = blankRemovedWords(changes)
  await storeAndCommit(sql, { before, after, formerSpaces, changes: told, at })
  const removed = [...after.removedBeings].filter((id) => !before.removedBeings.has(id)).map((id) => ({ id, at }))
  return { outcomes, changes: told, removed }
}

/**
 * Where all is written by one statement, the commit is sent right behind it and not after its answer: of one statement
 * nothing can be missing, and a transaction in which it failed commits nothing.
 */
async function storeAndCommit(sql: Sql, change: WorldChange): Promise<void> {
  const statements = statementsOf(sql, change)
  const [only, ...others] = statements
  if (others.length > 0) await Promise.all(statements)
  const storing = others.length > 0 ? undefined : only?.execute()
  const [stored, committed] = await Promise.allSettled([storing, sql`commit`.execute()])
  // Postgres itself said that it was not written.
  if (stored.status === 'rejected' && stored.reason instanceof postgres.PostgresError) throw stored.reason
  if (committed.status === 'fulfilled') return
  const error: unknown = committed.reason
  if (failureOf(error) === 'away') throw new OutcomeUnknown('the connection was lost at commit', { cause: error })
  throw error
}
