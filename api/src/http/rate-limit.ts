/**
 * How much an actor may ask for, measured in Redis so that all api nodes share one account: the generic cell rate
 * algorithm, one key per actor that holds the time at which its account is level again. With Redis away nothing is
 * limited, which is counted: a limit protects others from one, and is no reason to refuse all.
 */
import type { BeingId } from '@rhizom/protocol'
import type { Redis } from 'ioredis'
import type { Metrics } from '../observe.ts'
import { ProblemError } from './problem-reply.ts'

export interface Rate {
  /** Names the account. */
  name: 'mutations' | 'signals'
  perSecond: number
  burst: number
}

/** Answers 0 if the cost was taken, else the milliseconds until it could be. */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local interval = tonumber(ARGV[1])
local burst = tonumber(ARGV[2])
local cost = tonumber(ARGV[3])
local level = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + cost * interval
local wait = math.ceil(level - burst * interval - now)
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.3f', level), 'PX', math.ceil(level - now) + 1)
return 0`

export class RateLimiter {
  readonly #redis: Redis
  readonly #metrics: Metrics

  constructor(redis: Redis, metrics: Metrics) {
    this.#redis = redis
    this.#metrics = metrics
  }

  /** Takes `cost` from the actor's account or throws a `rate-limited` problem. */
  async take(actor: BeingId, rate: Rate, cost: number): Promise<void> {
    const waitMs = await this.#ask(actor, rate, Math.min(cost, rate.burst))
    const outcome = waitMs === undefined ? 'skipped' : waitMs > 0 ? 'refused' : 'allowed'
    this.#metrics.rateLimited.inc({ outcome })
    if (waitMs !== undefined && waitMs > 0)
      throw new ProblemError('rate-limited', `over ${rate.perSecond} ${rate.name} a second`, { retryAfterMs: waitMs })
  }

  async #ask(actor: BeingId, { name, perSecond, burst }: Rate, cost: number): Promise<number | undefined> {
    if (this.#redis.status !== 'ready') return undefined
    try {
      return Number(await this.#redis.eval(TAKE, 1, `rhizom:rate:${name}:${actor}`, 1000 / perSecond, burst, cost))
    } catch {
      // Away or too slow: said by the connection's error listener and by the metric of the caller.
      return undefined
    }
  }
}
