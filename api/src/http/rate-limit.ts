/**
 * How much an actor, or an address, may ask for, measured in Redis so that all api nodes share one account: the generic
 * cell rate algorithm, one key per account that holds the time at which it is level again. With Redis away nothing is
 * limited, which is counted: a limit protects others from one, and is no reason to refuse all.
 *
 * Nor is it a reason to be slow: a Redis that is silent costs one request a short wait, and is then left alone for a
 * moment, after which again one request finds out for all.
 */
import { isRedisFailure } from '@rhizom/process'
import type { RedisNames } from '@rhizom/protocol'
import type { Redis } from 'ioredis'
import type { Metrics } from '../observe.ts'
import { ProblemError } from './problem-reply.ts'

export interface Rate {
  /** Names the account. */
  name: 'mutations' | 'signals' | 'sessions' | 'body-bytes'
  perSecond: number
  burst: number
}

export interface RateLimiterTimeouts {
  /** How long a request waits for an answer. */
  waitMs: number
  /** How long Redis is not asked after it gave none. */
  pauseMs: number
}

const TIMEOUTS: RateLimiterTimeouts = { waitMs: 150, pauseMs: 1000 }

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

type Answer = { status: 'answered'; waitMs: number } | { status: 'unanswered' } | { status: 'skipped' }

/** What the last question came to. While `failing`, nobody asks before `askAgainAtMs`. */
type RedisHealth = { status: 'answering' } | { status: 'failing'; askAgainAtMs: number }

export class RateLimiter {
  readonly #redis: Redis
  readonly #names: RedisNames
  readonly #metrics: Metrics
  readonly #timeouts: RateLimiterTimeouts
  #health: RedisHealth = { status: 'answering' }

  constructor(redis: Redis, names: RedisNames, metrics: Metrics, timeouts = TIMEOUTS) {
    this.#redis = redis
    this.#names = names
    this.#metrics = metrics
    this.#timeouts = timeouts
  }

  /** Takes `cost` from an account or throws a `rate-limited` problem. */
  async take(account: string, rate: Rate, cost: number): Promise<void> {
    const answer = await this.#ask(account, rate, Math.min(cost, rate.burst))
    if (answer.status !== 'answered') {
      this.#metrics.rateLimited.inc({ outcome: answer.status })
      return
    }
    const isOver = answer.waitMs > 0
    this.#metrics.rateLimited.inc({ outcome: isOver ? 'refused' : 'allowed' })
    if (isOver)
      throw new ProblemError('rate-limited', `over ${rate.perSecond} ${rate.name} a second`, {
        retryAfterMs: answer.waitMs,
      })
  }

  async #ask(account: string, { name, perSecond, burst }: Rate, cost: number): Promise<Answer> {
    if (this.#redis.status !== 'ready') return { status: 'skipped' }
    if (this.#health.status === 'failing') {
      if (performance.now() < this.#health.askAgainAtMs) return { status: 'skipped' }
      // This request asks; those that come meanwhile need not wait with it.
      this.#pause()
    }
    try {
      const key = this.#names.rate(name, account)
      const answered = this.#redis.eval(TAKE, 1, key, 1000 / perSecond, burst, cost)
      const waitMs = Number(await withinMs(this.#timeouts.waitMs, answered))
      this.#health = { status: 'answering' }
      return { status: 'answered', waitMs }
    } catch (error) {
      if (!(error instanceof NoAnswerInTime || isRedisFailure(error))) throw error
      // Away or too slow: said by the connection's error listener and by the metric of the caller.
      this.#pause()
      return { status: 'unanswered' }
    }
  }

  #pause(): void {
    this.#health = { status: 'failing', askAgainAtMs: performance.now() + this.#timeouts.pauseMs }
  }
}

class NoAnswerInTime extends Error {}

/** Rejects with NoAnswerInTime when there is none. */
function withinMs<T>(ms: number, answered: Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  answered.then(resolve, reject)
  // An answer that came while this process was busy has yet to be read when the time is up, and counts.
  const timer = setTimeout(() => setImmediate(() => reject(new NoAnswerInTime(`no answer within ${ms} ms`))), ms)
  return promise.finally(() => clearTimeout(timer))
}
