/** Puts presence together from the settings: Redis, the api, and the hub between them. */
import { randomBytes } from 'node:crypto'
import type { Config } from '../config.ts'
import type { Clock } from '@rhizom/machine'
import type { Log } from '../ports.ts'
import type { Wall } from '../wall.ts'
import { HASH_TTL_MS } from './heartbeat.ts'
import { createLastSeenPost, LastSeen } from './last-seen.ts'
import { PresenceHub } from './hub.ts'
import { createPresenceMetrics, type PresenceMetrics } from './metrics.ts'
import { RedisPresenceStore } from '../redis/presence-store.ts'

/** Pause after a heartbeat that did not reach Redis. */
const RETRY_MS = 500
/** No two starts share a name. */
const BOOT_ID_BYTES = 9

export function startPresence(
  config: Config,
  clock: Clock,
  log: Log,
  wall: Wall,
  demoted: () => void,
): { hub: PresenceHub; metrics: PresenceMetrics; reconnect: () => void } {
  const metrics = createPresenceMetrics()
  const store = new RedisPresenceStore({
    url: config.REDIS_URL,
    clock,
    random: Math.random,
    log,
    timeoutMs: config.REDIS_TIMEOUT_MS,
    hashTtlMs: HASH_TTL_MS,
    counted: (command, times) => metrics.redisCommands.inc({ command }, times),
    wrongType: () => metrics.wrongTypes.inc(),
    demoted,
  })
  const lastSeen = new LastSeen({
    clock,
    everyMs: config.LAST_SEEN_EVERY_MS,
    post: createLastSeenPost({
      urls: config.API_URL,
      internalToken: config.INTERNAL_TOKEN,
      timeoutMs: config.API_TIMEOUT_MS,
    }),
    given: (outcome, beings) => metrics.lastSeen.inc({ outcome }, beings),
  })
  const hub = new PresenceHub({
    clock,
    random: Math.random,
    store,
    lastSeen,
    newBootId: () => randomBytes(BOOT_ID_BYTES).toString('base64url'),
    metrics,
    log,
    faulted: (error) => wall.report('promise', error),
    settings: {
      roster: {
        graceMs: config.PRESENCE_GRACE_MS,
        windowMs: config.PRESENCE_WINDOW_MS,
        listLimit: config.PRESENCE_LIST_LIMIT,
      },
      lease: { leaseMs: config.PRESENCE_LEASE_MS, retryMs: RETRY_MS },
    },
  })
  return { hub, metrics, reconnect: () => store.reconnect() }
}
