/**
 * The one way to Redis, for a process that can do without: commands fail at once while it is away instead of queueing,
 * and after a bounded time when it does not answer; it reconnects for ever. What the connection meets is told to a
 * condition, under its own name, and what a command is answered under that name and the command's.
 *
 *   rhizom-presence            the connection itself
 *   rhizom-presence hset       this command on it
 *
 * A server that says READONLY is a primary that was demoted: the connection is given up, so that the next one is made
 * to whatever its address names now. Not more often than every few seconds, because it may be a replica for good.
 */
import { backoffMs, type Clock, type Random } from '@rhizom/machine'
import { type Command, Redis, type RedisOptions } from 'ioredis'
import type { ConditionLog } from './condition-log.ts'
import { concernsConnection, connectionLost, isReadOnly, redisTrouble } from './core/redis-trouble.ts'

export interface RedisConnectionOptions {
  url: string
  /** In the client list of Redis, and in the log. */
  name: string
  clock: Pick<Clock, 'nowMs'>
  random: Random
  condition: ConditionLog
  /** Silence after which a connection that was asked something is cut, and the longest time to connect. */
  timeoutMs: number
  /** How long an answer may take; without it, as long as the connection lives. */
  commandTimeoutMs?: number
  /**
   * What is sent in one turn of the event loop is written together at its end: of small commands the write costs more
   * than all else. Without it each command is with the kernel before the caller goes on.
   */
  gathers?: boolean
  /** Told when the server turns out to be a replica: whoever else is connected to it should try again, too. */
  demoted?: () => void
}

const RETRY = { minMs: 50, baseMs: 50, maxMs: 1000 } as const
const LEAVE_EVERY_MS = 5_000
/** What ioredis asks by itself: it says what keeps it from being ready, and does without the rest. */
const OF_THE_LIBRARY: ReadonlySet<string> = new Set(['hello', 'auth', 'select', 'client', 'info'])

/** Not connected yet: `connect()` begins, and what keeps it from it is told to the condition. */
export function connectRedis(options: RedisConnectionOptions): Redis {
  const { url, name, clock, random, condition, timeoutMs, commandTimeoutMs, gathers = false, demoted } = options
  let leftAtMs = Number.NEGATIVE_INFINITY
  let isLeaving = false
  const leave = (error: Error): boolean => {
    if (!isReadOnly(error) || clock.nowMs() < leftAtMs + LEAVE_EVERY_MS) return false
    leftAtMs = clock.nowMs()
    isLeaving = true
    demoted?.()
    return true
  }
  const redis = new ToldRedis(
    url,
    {
      lazyConnect: true,
      connectionName: name,
      disableClientInfo: true,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      ...(commandTimeoutMs === undefined ? {} : { commandTimeout: commandTimeoutMs }),
      retryStrategy: (times) => backoffMs(RETRY, times, random()),
      reconnectOnError: leave,
    },
    gathers,
    {
      worked: (command) => condition.good(`${name} ${command}`),
      failed: (command, error) => {
        if (!OF_THE_LIBRARY.has(command) && concernsConnection(error))
          condition.bad(redisTrouble(error), `${name} ${command}`)
      },
    },
  )
  let wasReady = false
  redis.on('ready', () => {
    wasReady = true
    isLeaving = false
    condition.good(name)
    condition.forget(`${name} `)
  })
  redis.on('error', (error: Error) => {
    // The close that follows says nothing more.
    wasReady = false
    condition.bad(redisTrouble(error), name)
  })
  redis.on('close', () => {
    if (wasReady && !isLeaving) condition.bad(connectionLost, name)
    wasReady = false
  })
  return redis
}

/** Begins to connect. A first attempt that fails is followed by others, and is told like every other. */
export function beginConnecting(redis: Redis): void {
  redis.connect().catch(() => undefined)
}

interface Told {
  worked(command: string): void
  failed(command: string, error: Error): void
}

/** Tells how each command ended, whoever sent it and in whatever pipeline. */
class ToldRedis extends Redis {
  readonly #told: Told
  readonly #gathers: boolean
  #isGathering = false

  constructor(url: string, options: RedisOptions & { replyMapping?: 'legacy' }, gathers: boolean, told: Told) {
    super(url, options)
    this.#gathers = gathers
    this.#told = told
  }

  override sendCommand(command: Command, stream?: Parameters<Redis['sendCommand']>[1]): unknown {
    this.#gather()
    const sent = super.sendCommand(command, stream)
    command.promise.then(
      () => this.#told.worked(command.name),
      (error: unknown) => {
        if (error instanceof Error) this.#told.failed(command.name, error)
      },
    )
    return sent
  }

  #gather(): void {
    // Before it is ready there may be no stream, and the library has an order of its own.
    if (!this.#gathers || this.#isGathering || this.status !== 'ready') return
    this.#isGathering = true
    const { stream } = this
    stream.cork()
    setImmediate(() => {
      this.#isGathering = false
      stream.uncork()
    })
  }
}
