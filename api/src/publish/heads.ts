/**
 * Announces about once a second where lately changed spaces stand, so that a gateway which missed the last change of a
 * quiet space finds out, and says again which beings were lately removed, for the same reason. The announcement is made
 * also when there is nothing to tell: a gateway that misses it knows that its Redis carries nothing.
 *
 * One api node does it: whoever holds an advisory lock of Postgres, on a connection kept for that. When the node dies or loses the connection the lock is free, and the next node that asks has it. A link that
 * breaks without a word is found by both ends: here a turn has a deadline, and the server ends a session that is silent.
 *
 * A session counts as silent only between two questions. The driver asks one with parameters in two steps when it is
 * new, and a server that waits for the second would keep the lock for a leader it cannot hear for as long as the
 * connection seems to live. So while the lock is held no question has parameters.
 *
 *   following ── lock had ──► leading ── connection lost ──► following
 */
import type { ConditionLog } from '@rhizom/process'
import { encodeHeadsMessage, REDIS } from '@rhizom/protocol'
import type { Redis } from 'ioredis'
import { ADVISORY_LOCKS } from '../db/advisory-locks.ts'
import { readLatelyChanged } from '../db/change-log.ts'
import { type Connection, connect, type Sql } from '../db/database.ts'
import { failureOf } from '../db/failure.ts'
import { checkLineage } from '../db/lineage.ts'
import { readLatelyRemoved } from '../db/removed-beings.ts'
import type { Log, Metrics } from '../observe.ts'
import { postgresTrouble } from '../postgres-trouble.ts'
import { revokedMessages } from './revoked.ts'

/** Intervals of silence after which the server takes the lock away, and the least time for that. */
const SILENT_INTERVALS = 4
const SILENT_AT_LEAST_MS = 2_000
/** More at once are found by gateways when they next ask. */
const MAX_REMOVED = 10_000

export interface HeadsOptions {
  databaseUrl: string
  intervalMs: number
  windowMs: number
  revokedForMs: number
  deadlineMs: number
}

export class HeadsAnnouncer {
  readonly #options: HeadsOptions
  readonly #redis: Redis
  readonly #metrics: Metrics
  readonly #log: Log
  readonly #condition: ConditionLog
  #connection: Connection | undefined
  #isLeader = false
  #stopped = false
  #timer: NodeJS.Timeout | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(options: HeadsOptions, redis: Redis, metrics: Metrics, log: Log, condition: ConditionLog) {
    this.#options = options
    this.#redis = redis
    this.#metrics = metrics
    this.#log = log
    this.#condition = condition
  }

  get isLeader(): boolean {
    return this.#isLeader
  }

  start(): void {
    this.#turn = this.#takeTurn()
  }

  /** Gives up the lock by closing the connection. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#turn
    this.#connection?.drop()
  }

  /** One turn: lead if the lock is to be had, announce if leading. Never rejects. */
  async #takeTurn(): Promise<void> {
    const begunAt = performance.now()
    const late = setTimeout(() => this.#connection?.drop(), this.#options.deadlineMs)
    try {
      const connection = (this.#connection ??= await this.#connect())
      if (!this.#isLeader) await this.#tryToLead(connection)
      if (this.#isLeader) await this.#announce(connection)
      this.#condition.good()
    } catch (error) {
      this.#connection?.drop()
      if (failureOf(error) !== 'away')
        this.#condition.bad({ ...postgresTrouble(error), reason: 'heads cannot be announced' })
    } finally {
      clearTimeout(late)
    }
    if (this.#stopped) return
    const waitMs = Math.max(0, begunAt + this.#options.intervalMs - performance.now())
    this.#timer = setTimeout(() => this.start(), waitMs)
  }

  #connect(): Promise<Connection> {
    const { databaseUrl, deadlineMs, intervalMs } = this.#options
    const idleTimeoutMs = Math.max(SILENT_AT_LEAST_MS, SILENT_INTERVALS * intervalMs)
    return connect({ url: databaseUrl, deadlineMs, idleTimeoutMs, name: 'rhizom-api-heads' }, () => {
      this.#connection = undefined
      this.#follow()
    })
  }

  async #tryToLead({ sql }: Connection): Promise<void> {
    // A replica that may yet be promoted grants the lock too, but its lineage is that of before the promotion.
    const [row] = await sql<{ had: boolean }[]>`
      select case when pg_is_in_recovery() then false else pg_try_advisory_lock(${ADVISORY_LOCKS.heads}) end as had`
    if (row?.had !== true) return
    // Whoever comes to lead has just connected: if Postgres was replaced meanwhile, this is the moment to find out.
    await this.#checkLineage(sql)
    this.#isLeader = true
    this.#metrics.headsLeader.set(1)
    this.#log.info('announcing heads')
  }

  async #checkLineage(sql: Sql): Promise<void> {
    try {
      const verdict = await checkLineage(sql)
      if (verdict !== 'new-history') return
      this.#metrics.newEpochs.inc()
      this.#log.warn('the database lives in another run of Postgres: every space has a new epoch')
    } catch (error) {
      if (failureOf(error) !== 'refused') throw error
      this.#log.warn({ err: error }, 'Postgres does not tell its lineage: after a restore run new-epochs.ts')
    }
  }

  #follow(): void {
    if (!this.#isLeader) return
    this.#isLeader = false
    this.#metrics.headsLeader.set(0)
    this.#log.info('not announcing heads any more')
  }

  async #announce({ sql }: Connection): Promise<void> {
    const { windowMs, revokedForMs } = this.#options
    const heads = await readLatelyChanged(sql, windowMs)
    const outcome = await this.#publish(REDIS.headsChannel, encodeHeadsMessage(heads))
    this.#metrics.headsAnnounced.inc({ outcome })
    const removed = await readLatelyRemoved(sql, windowMs, MAX_REMOVED)
    for (const message of revokedMessages(removed, revokedForMs))
      this.#metrics.revocations.inc({ outcome: await this.#publish(REDIS.revokedChannel, message) })
  }

  async #publish(channel: string, message: string): Promise<'sent' | 'dropped'> {
    if (this.#redis.status !== 'ready') return 'dropped'
    return this.#redis.publish(channel, message).then(
      () => 'sent' as const,
      // The connection's own error listener says why; gateways without Redis ask for heads themselves.
      () => 'dropped' as const,
    )
  }
}
