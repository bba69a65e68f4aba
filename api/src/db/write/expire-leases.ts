/**
 * Takes claims away whose lease has run out, one transaction a space, under its lock: what becomes of each is decided
 * by @rhizom/domain on the rows as they are then, so that a holder who renewed in time keeps its claim.
 */
import { copyWorld, emptyWorld, expireLeases as expireLeasesIn, type LoggedChange } from '@rhizom/domain'
import type { SpaceId } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import type { Database, Sql } from '../database.ts'
import { namesOf } from '../names.ts'
import { intentions } from '../schema.ts'
import { intentionColumns, type IntentionRow, placedIntentionOf, spaceOf } from '../rows.ts'
import { lockSpaces } from './load-world.ts'
import { storeWorld } from './store-world.ts'

const i = namesOf(intentions, 'i')

/** Of one space, in one transaction; the rest is taken in the next round. */
const MAX_AT_ONCE = 200

/** Spaces with claims whose lease has run out. Stands on intentions_claimed, which holds what is claimed alone. */
export async function spacesWithExpiredLeases(sql: Sql): Promise<SpaceId[]> {
  const rows = await sql<{ location: SpaceId }[]>`
    select distinct ${i.location} from ${i.as}
    where ${i.claimBy} is not null and ${i.claimUntil} <= clock_timestamp() order by ${i.location}`
  return rows.map(({ location }) => location)
}

/** Gives the changes that were committed. */
export const expireLeases = (database: Database, space: SpaceId, maxAttempts: number): Promise<LoggedChange[]> =>
  database.use(async (sql) => {
    await sql`begin`
    const changes = await expire(sql, space, maxAttempts)
    await sql`commit`
    return changes
  })

async function expire(sql: Sql, id: SpaceId, maxAttempts: number): Promise<LoggedChange[]> {
  const [locked] = await lockSpaces(sql, [id])
  if (locked === undefined || locked.removed) return []
  const [[clock], rows] = await Promise.all([
    sql<{ at: Date }[]>`select date_trunc('milliseconds', clock_timestamp()) as at`,
    sql<IntentionRow[]>`
      select ${intentionColumns} from ${i.as}
      where ${i.location} = ${id} and ${i.claimBy} is not null and ${i.claimUntil} <= clock_timestamp()
      order by ${i.id} limit ${MAX_AT_ONCE}`,
  ])
  if (clock === undefined) throw new Error('the database told no time')
  const at = clock.at.getTime()
  const { removed: _removed, ...row } = locked
  const before = emptyWorld()
  before.spaces.set(id, spaceOf(row))
  for (const one of rows) before.intentions.set(one.id, placedIntentionOf(one))
  const after = copyWorld(before)
  const changes = expireLeasesIn(after, id, { at, maxAttempts, newId: uuidv7 })
  await storeWorld(sql, { before, after, formerSpaces: new Set(), changes, at })
  return changes
}
