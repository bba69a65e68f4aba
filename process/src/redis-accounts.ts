/**
 * Accounts in Redis, so that all nodes share one: a key for each that holds the time at which it is level again, by the
 * clock of Redis. One question, whatever it is about: all of it is taken, or nothing.
 *
 * Never in the way: a Redis that is silent costs one question a short wait, and is then left alone for a moment, after
 * which again one question finds out for all. Until then there is no answer, and each node decides by itself.
 */
import { createHash } from 'node:crypto'
import { intervalMs, payable } from '@rhizom/machine'
import type { RedisNames } from '@rhizom/protocol'
import type { Redis } from 'ioredis'
import type { PricedCharge, SharedAccounts, SharedAnswer } from './budgets.ts'
import { isRedisFailure, isUnknownScript } from './core/redis-trouble.ts'

export interface AccountTimeouts {
  /** How long an answer is waited for. */
  waitMs: number
  /** How long Redis is not asked after it gave none. */
  pauseMs: number
}

const TIMEOUTS: AccountTimeouts = { waitMs: 150, pauseMs: 1000 }

/**
 * Answers which account is over (0: none), how long it is until it is not, and by how many milliseconds each is spent.
 * The decision is that of machine/src/account.ts.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = { 0, 0 }
local levels = {}
for i, key in ipairs(KEYS) do
  local interval = tonumber(ARGV[3 * i - 1])
  local burst = tonumber(ARGV[3 * i])
  local cost = tonumber(ARGV[3 * i + 1])
  local held = math.max(tonumber(redis.call('GET', key) or '0'), now)
  levels[i] = held + cost * interval
  local wait = math.ceil(levels[i] - burst * interval - now)
  if wait > answer[2] then answer[1], answer[2] = i, wait end
  answer[i + 2] = math.ceil(held - now)
end
if answer[2] > 0 and ARGV[1] == 'take' then return answer end
answer[1], answer[2] = 0, 0
for i, key in ipairs(KEYS) do
  if levels[i] > now then
    redis.call('SET', key, string.format('%.3f', levels[i]), 'PX', math.ceil(levels[i] - now) + 1)
  end
  answer[i + 2] = math.ceil(levels[i] - now)
end
return answer`
/** Redis keeps the script under this name, until it is started anew or told to forget. */
const TAKE_DIGEST = createHash('sha1').update(TAKE).digest('hex')

/** What the last question came to. While `failing`, nobody asks before `askAgainAtMs`. */
type RedisHealth = { status: 'answering' } | { status: 'failing'; askAgainAtMs: number }

export class RedisAccounts implements SharedAccounts {
  readonly #redis: Redis
  readonly #names: Pick<RedisNames, 'rate'>
  readonly #timeouts: AccountTimeouts
  #health: RedisHealth = { status: 'answering' }

  constructor(redis: Redis, names: Pick<RedisNames, 'rate'>, timeouts = TIMEOUTS) {
    this.#redis = redis
    this.#names = names
    this.#timeouts = timeouts
  }

  async ask(charges: readonly PricedCharge[], how: 'take' | 'spend'): Promise<SharedAnswer | undefined> {
    if (this.#redis.status !== 'ready') return undefined
    if (this.#health.status === 'failing') {
      if (performance.now() < this.#health.askAgainAtMs) return undefined
      // This one asks; those that come meanwhile need not wait with it.
      this.#pause()
    }
    try {
      const keys = charges.map(({ budget, account, limit }) => this.#names.rate(budget, account, limit.perSecond))
      const numbers = charges.flatMap(({ limit, cost }) => [
        ...[intervalMs(limit), limit.burst],
        how === 'take' ? payable(cost, limit) : cost,
      ])
      const answer = await withinMs(this.#timeouts.waitMs, this.#run(keys, [how, ...numbers]))
      this.#health = { status: 'answering' }
      return answerOf(answer)
    } catch (error) {
      if (!(error instanceof NoAnswerInTime || isRedisFailure(error))) throw error
      // Away or too slow: said by the condition of the connection, and by the metric of who decides instead.
      this.#pause()
      return undefined
    }
  }

  async #run(keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await this.#redis.evalsha(TAKE_DIGEST, keys.length, ...keys, ...args)
    } catch (error) {
      if (!isUnknownScript(error)) throw error
      return this.#redis.eval(TAKE, keys.length, ...keys, ...args)
    }
  }

  #pause(): void {
    this.#health = { status: 'failing', askAgainAtMs: performance.now() + this.#timeouts.pauseMs }
  }
}

function answerOf(answer: unknown): SharedAnswer {
  const [index = 0, waitMs = 0, ...spentMs] = Array.isArray(answer) ? answer.map(Number) : []
  return { refused: index === 0 ? undefined : { index: index - 1, waitMs }, spentMs }
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
