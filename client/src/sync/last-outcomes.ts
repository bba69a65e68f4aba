/** The last outcomes that a page knows, so that what another page or the store still has for open is told apart. */
import type { MutationId } from '@rhizom/protocol'
import type { MutationOutcome } from '../core/queue-state.ts'

const MAX_OUTCOMES = 200

export interface LastOutcomes {
  note(outcome: MutationOutcome): void
  get(id: MutationId): MutationOutcome | undefined
  isTakenBack(id: MutationId): boolean
}

export function lastOutcomes(): LastOutcomes {
  const outcomes = new Map<MutationId, MutationOutcome>()
  return {
    note(outcome) {
      outcomes.set(outcome.id, outcome)
      const [oldest] = outcomes.keys()
      if (outcomes.size > MAX_OUTCOMES && oldest !== undefined) outcomes.delete(oldest)
    },
    get: (id) => outcomes.get(id),
    isTakenBack(id) {
      const outcome = outcomes.get(id)
      return outcome?.status === 'rejected' && outcome.code === 'cancelled'
    },
  }
}
