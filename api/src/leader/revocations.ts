/** Says again which beings were lately removed and which sessions ended, for gateways that missed it at the time. */
import { readLatelyRemoved } from '../db/read/removed-beings.ts'
import { readLatelyEnded } from '../db/read/sessions.ts'
import type { Metrics } from '../observe.ts'
import { endedMessages, revokedMessages } from '../publish/revoked.ts'
import { announce, type Announcing } from './announce.ts'
import type { Duty } from './duty.ts'

/** More at once are found by gateways when they next ask. */
const MAX_REMOVED = 10_000
const MAX_ENDED = 10_000

export interface RevocationTimes {
  /** What was removed or ended within this is told of. */
  windowMs: number
  revokedForMs: number
}

export const revocationsDuty = (
  to: Announcing,
  metrics: Metrics,
  { windowMs, revokedForMs }: RevocationTimes,
): Duty => ({
  async run({ sql }) {
    const removed = await readLatelyRemoved(sql, windowMs, MAX_REMOVED)
    const ended = await readLatelyEnded(sql, windowMs, MAX_ENDED)
    for (const message of [...revokedMessages(removed, revokedForMs), ...endedMessages(ended, revokedForMs)])
      metrics.revocations.inc({ outcome: await announce(to, to.seal.names.revokedChannel, message) })
  },
})
