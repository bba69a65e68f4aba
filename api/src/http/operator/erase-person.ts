/**
 * Takes a person out of everything. It is removed first, so that nothing new is written meanwhile; then what it said is
 * removed space by space, through the log, so that gateways and screens blank it too; then what the log and the ledger
 * keep beside; at last the spaces it was in begin another history, so that nobody goes on with what they hold of the
 * former one. Begun again after it was cut short, it goes on.
 */
import type { BeingId, IntentionId, SpaceId } from '@rhizom/protocol'
import type { Database } from '../../db/database.ts'
import { placeOfBeing } from '../../db/read/operator-finds.ts'
import {
  beginHistories,
  belongingsOf,
  blankBeings,
  forgetOutcomes,
  someIntentionsOf,
  spacesKnowing,
} from '../../db/write/erase.ts'
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
): Promise<{ beings: number; intentions: number; changes: number; histories: number }> {
  const ids = [person, ...(await database.use((sql) => belongingsOf(sql, person)))]
  const known = await database.use((sql) => spacesKnowing(sql, ids))
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
  const histories = await database.use((sql) => beginHistories(sql, ids, known))
  return { beings: ids.length, intentions, changes, histories }
}

function bySpace(some: readonly { id: IntentionId; location: SpaceId }[]): Map<SpaceId, IntentionId[]> {
  const spaces = new Map<SpaceId, IntentionId[]>()
  for (const { id, location } of some) spaces.set(location, [...(spaces.get(location) ?? []), id])
  return spaces
}
