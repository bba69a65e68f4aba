/**
 * Takes claims away whose lease has run out, by the one node that leads. Done late it does no harm: a claim stands
 * until it is taken away, and its holder's writes with it.
 */
import type { Database } from '../db/database.ts'
import { expireLeases, spacesWithExpiredLeases } from '../db/write/expire-leases.ts'
import type { Metrics } from '../observe.ts'
import type { Publisher } from '../publish/publisher.ts'
import type { Duty } from './duty.ts'

/** Works on connections of the pool, and not on that of the lock: a round may wait for writers of a space. */
export const leasesDuty = (database: Database, publisher: Publisher, metrics: Metrics, maxAttempts: number): Duty => ({
  async run(term) {
    for (const space of await database.use(spacesWithExpiredLeases)) {
      if (term.isOver) return
      const changes = await expireLeases(database, space, maxAttempts)
      metrics.expiredLeases.inc(changes.length)
      publisher.publish(changes)
      publisher.tellOfWork(changes)
    }
  },
})
