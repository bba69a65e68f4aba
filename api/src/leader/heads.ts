/**
 * Announces where lately changed spaces stand, so that a gateway which missed the last change of a quiet space finds
 * out. The announcement is made also when there is nothing to tell: a gateway that misses it knows that its Redis
 * carries nothing.
 */
import { encodeHeadsMessage } from '@rhizom/protocol'
import { readLatelyChanged } from '../db/read/change-log.ts'
import type { Metrics } from '../observe.ts'
import { announce, type Announcing } from './announce.ts'
import type { Duty } from './duty.ts'

export const headsDuty = (to: Announcing, metrics: Metrics, windowMs: number): Duty => ({
  async run({ sql }) {
    const heads = await readLatelyChanged(sql, windowMs)
    const outcome = await announce(to, to.seal.names.headsChannel, encodeHeadsMessage(heads))
    metrics.headsAnnounced.inc({ outcome })
  },
})
