/**
 * Takes a person out of everything. It is removed first, so that nothing new is written meanwhile; then what it said is
 * removed space by space, through the log, so that gateways and screens blank it too; then what the log and the ledger
 * keep beside. Begun again after it was cut short, it goes on.
 */
import type { BeingId, IntentionId, SpaceId } from '@rhizom/protocol'
import type { Database } from '../../db/database.ts'
import { placeOfBeing } from '../../db/read/operator-finds.ts'
import { belongingsOf, blankBeings, forgetOutcomes, someIntentionsOf } from '../../db/write/erase.ts'
import { ProblemError } from '../problem-reply.ts'
import type { OperatorActions } from './actions.ts'

interface Deps {
  database: Database
  actions: OperatorActions
}

const INTENTIONS_AT_ONCE = 100
/** It may move between the question where it is and its removal. */
const ATTEMPTS = 5

/** Removed already is as good, unless nobody ever knew it. */
export async function putBeingAway({ database, actions }: Deps, id: BeingId): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const place = await database.use((sql) => placeOfBeing(sql, id))
    if (place === undefined) throw new ProblemError('not-found', `no being ${id}`)
    if (place.isRemoved) return
    try {
      await actions.mutate(place.location, { name: 'being.remove', args: { id } })
      return
    } catch (error) {
      const again = await database.use((sql) => placeOfBeing(sql, id))
      if (attempt === ATTEMPTS || again?.location === place.location) throw error
    }
  }
}

export async function erasePerson(
  { database, actions }: Deps,
  person: BeingId,
): Promise<{ beings: number; intentions: number; changes: number }> {
  const ids = [person, ...(await database.use((sql) => belongingsOf(sql, person)))]
  for (const id of ids) await putBeingAway({ database, actions }, id)
  let intentions = 0
  for (;;) {
    const some = await database.use((sql) => someIntentionsOf(sql, ids, INTENTIONS_AT_ONCE))
    if (some.length === 0) break
    for (const [space, those] of bySpace(some))
      await actions.mutate(space, ...those.map((id) => ({ name: 'intention.remove', args: { id } }) as const))
    intentions += some.length
  }
  const changes = await database.use((sql) => blankBeings(sql, ids))
  await database.use((sql) => forgetOutcomes(sql, ids))
  return { beings: ids.length, intentions, changes }
}

function bySpace(some: readonly { id: IntentionId; location: SpaceId }[]): Map<SpaceId, IntentionId[]> {
  const spaces = new Map<SpaceId, IntentionId[]>()
  for (const { id, location } of some) spaces.set(location, [...(spaces.get(location) ?? []), id])
  return spaces
}
