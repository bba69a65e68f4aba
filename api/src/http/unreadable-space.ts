/**
 * Answers mutations of a space that is not there for whoever asks: without waiting for its turn, without a lock, and
 * without a row, the same whether there is such a space or not. What was done before access was lost is told again.
 */
import { duplicateOf, refusalOfUnreadable } from '@rhizom/domain'
import type { TokenHolder } from '@rhizom/process'
import type { Mutation, MutationResult, SpaceId } from '@rhizom/protocol'
import { findOutcomes } from '../db/write/ledger.ts'
import { beingGone } from './authenticate.ts'
import type { Services } from './services.ts'

/** The answers, or nothing if the part is to be decided in the space's turn. */
export async function refusalsOf(
  { admissions, database }: Pick<Services, 'admissions' | 'database'>,
  { being: actor, session }: TokenHolder,
  space: SpaceId,
  part: readonly Mutation[],
): Promise<MutationResult[] | undefined> {
  const admission = await admissions.ask({ actor, session, space })
  switch (admission) {
    case 'readable':
      return undefined
    case 'gone':
      throw beingGone()
    case 'absent':
      if (part.some(({ name }) => name === 'space.create')) return undefined
      break
    case 'hidden':
      break
    default:
      return admission satisfies never
  }
  const ids = part.map(({ id }) => id)
  const former = await database.use((sql) => findOutcomes(sql, actor, ids))
  return part.map((mutation) => {
    const outcome = former.get(mutation.id)
    return outcome === undefined
      ? { id: mutation.id, status: 'rejected', error: refusalOfUnreadable(mutation) }
      : duplicateOf(mutation.id, outcome)
  })
}
