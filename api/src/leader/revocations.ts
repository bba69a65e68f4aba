/** Says again which beings were lately removed, for gateways that missed it when their removal was committed. */
import { REDIS } from '@rhizom/protocol'
import type { Redis } from 'ioredis'
import { readLatelyRemoved } from '../db/read/removed-beings.ts'
import type { Metrics } from '../observe.ts'
import { revokedMessages } from '../publish/revoked.ts'
import { announce } from './announce.ts'
import type { Duty } from './duty.ts'

/** More at once are found by gateways when they next ask. */
const MAX_REMOVED = 10_000

export interface RevocationTimes {
  /** Beings removed within this are told of. */
  windowMs: number
  revokedForMs: number
}

export const revocationsDuty = (redis: Redis, metrics: Metrics, { windowMs, revokedForMs }: RevocationTimes): Duty => ({
  async run({ sql }) {
    const removed = await readLatelyRemoved(sql, windowMs, MAX_REMOVED)
    for (const message of revokedMessages(removed, revokedForMs))
      metrics.revocations.inc({ outcome: await announce(redis, REDIS.revokedChannel, message) })
  },
})
