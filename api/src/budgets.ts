/**
 * What this process takes from budgets: the numbers of its settings, and the cost of what it commits. What is stored is
 * paid for afterwards, since nobody knows before: an actor that wrote more than it may waits with the next request.
 */
import type { LoggedChange } from '@rhizom/domain'
import type { Budgets, Charge } from '@rhizom/process'
import type { Config } from './config.ts'

export const budgetsOf = (config: Config): Budgets => ({
  sessions: { perSecond: config.SESSIONS_PER_SECOND, burst: config.SESSIONS_BURST },
  'body-bytes': { perSecond: config.BODY_BYTES_PER_SECOND, burst: config.BODY_BYTES_BURST },
  mutations: { perSecond: config.MUTATIONS_PER_SECOND, burst: config.MUTATIONS_BURST },
  signals: { perSecond: config.SIGNALS_PER_SECOND, burst: config.SIGNALS_BURST },
  'stored-bytes': { perSecond: config.STORED_BYTES_PER_SECOND, burst: config.STORED_BYTES_BURST },
  'space-bytes': { perSecond: config.SPACE_BYTES_PER_SECOND, burst: config.SPACE_BYTES_BURST },
  'sent-bytes': { perSecond: config.SENT_BYTES_PER_SECOND, burst: config.SENT_BYTES_BURST },
})

/** What these changes cost those who made them, and their spaces. */
export function costOf(changes: readonly LoggedChange[]): Charge[] {
  const [byActor, bySpace] = [new Map<string, number>(), new Map<string, number>()]
  for (const { space, change } of changes) {
    const bytes = Buffer.byteLength(JSON.stringify(change.body))
    byActor.set(change.actor, (byActor.get(change.actor) ?? 0) + bytes)
    bySpace.set(space, (bySpace.get(space) ?? 0) + bytes)
  }
  return [...chargesOf('stored-bytes', byActor), ...chargesOf('space-bytes', bySpace)]
}

const chargesOf = (budget: Charge['budget'], costs: ReadonlyMap<string, number>): Charge[] =>
  [...costs].map(([account, cost]) => ({ budget, account, cost }))
