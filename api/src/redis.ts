/**
 * A connection to Redis for a process that can do without: commands fail at once while it is away instead of
 * queueing, and hang for a bounded time when it does not answer. It reconnects by itself for ever.
 */
import { Redis } from 'ioredis'
import type { Log } from './observe.ts'

const COMMAND_TIMEOUT_MS = 1000
const MAX_RECONNECT_DELAY_MS = 2000
const LOG_EVERY_MS = 10_000
/** A new connection may lead to the replica again. */
const LEAVES_EVERY_MS = 5000

/** `demoted` is called when Redis refuses to write: whoever else is connected to it should try again, too. */
export function connectRedis(url: string, name: string, log: Log, demoted: () => void = () => undefined): Redis {
  let leftAt = -Infinity
  /** A primary that was demoted keeps its connections: another one may lead to the Redis that was promoted. */
  const leavesReplica = (error: Error): boolean => {
    if (!error.message.includes('READONLY') || performance.now() - leftAt < LEAVES_EVERY_MS) return false
    leftAt = performance.now()
    log.warn({ redis: name, err: error.message }, 'redis is a replica now: another connection is tried')
    demoted()
    return true
  }
  const redis = new Redis(url, {
    connectionName: name,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    // Silence while an answer is due means the connection is dead, however alive it looks.
    socketTimeout: COMMAND_TIMEOUT_MS * 2,
    connectTimeout: COMMAND_TIMEOUT_MS * 2,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS),
    reconnectOnError: leavesReplica,
  })
  let loggedAt = -Infinity
  let unlogged = 0
  redis.on('error', (error: Error) => {
    if (performance.now() - loggedAt < LOG_EVERY_MS) {
      unlogged += 1
      return
    }
    log.warn({ redis: name, err: error.message, unlogged }, 'redis is away')
    loggedAt = performance.now()
    unlogged = 0
  })
  return redis
}
