/**
 * Asks a Redis now and then what it is (`INFO`), and says what it cannot do: a replica, a cluster, a version without
 * what is needed. And publishes to a channel that nobody hears, because a process that may not publish would otherwise
 * find out only when it has something to tell. Soon again while it is unfit: a replica may be promoted under the same
 * connection. An eviction policy that forgets what is still needed is a warning, said once and when it changes.
 */
import type { Cancel, Clock } from '@rhizom/machine'
import type { Redis } from 'ioredis'
import type { ConditionLog } from './condition-log.ts'
import { concernsConnection, redisFitness } from './core/redis-trouble.ts'
import type { Log } from './log.ts'

export interface FitnessCheckDeps {
  redis: Redis
  condition: ConditionLog
  clock: Clock
  log: Log
  /** That nobody listens to. Also a right that is needed: whoever narrows the channels of a user allows it. */
  channel: string
}

const FIT_EVERY_MS = 60_000
const UNFIT_EVERY_MS = 5_000
const PART = 'server'

export class RedisFitnessCheck {
  readonly #deps: FitnessCheckDeps
  #isFit = true
  #isStopped = false
  #warned: string | undefined
  #timer: Cancel | undefined

  constructor(deps: FitnessCheckDeps) {
    this.#deps = deps
    deps.redis.on('ready', () => this.#ask())
  }

  /** As far as the server was asked. */
  get isFit(): boolean {
    return this.#isFit
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.()
  }

  #ask(): void {
    this.#timer?.()
    if (this.#isStopped) return
    const { redis, channel } = this.#deps
    const info = redis.info().catch((error: unknown) => notAnswered(error, ''))
    const publishes = redis.publish(channel, '').then(
      () => true,
      // The condition was told by the connection.
      (error: unknown) => notAnswered(error, false),
    )
    Promise.all([info, publishes]).then(
      ([said, mayPublish]) => this.#learned(said, mayPublish),
      // The connection is gone, which it says itself; there is another `ready`.
      () => undefined,
    )
  }

  #learned(info: string, mayPublish: boolean): void {
    const { condition, clock, log } = this.#deps
    const { trouble, warning } = redisFitness(info)
    this.#isFit = trouble === undefined && mayPublish
    if (trouble === undefined) condition.good(PART)
    else condition.bad(trouble, PART)
    if (warning !== undefined && warning !== this.#warned) log.warn({ condition: condition.name }, warning)
    this.#warned = warning
    this.#timer?.()
    if (!this.#isStopped) this.#timer = clock.after(this.#isFit ? FIT_EVERY_MS : UNFIT_EVERY_MS, () => this.#ask())
  }
}

/** A refusal counts as `answer`; whatever else happened is thrown. */
function notAnswered<T>(error: unknown, answer: T): T {
  if (error instanceof Error && concernsConnection(error)) return answer
  throw error
}
