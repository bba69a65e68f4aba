/** The one way to Redis, over the real one and over servers that are something else. */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '@rhizom/machine'
import { redisNames } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { ConditionLog } from './condition-log.ts'
import { RedisAccounts } from './redis-accounts.ts'
import { RedisFitnessCheck } from './redis-fitness-check.ts'
import { beginConnecting, connectRedis } from './redis.ts'
import { HeldLog } from './testing/held-log.ts'
import { ScriptedRedis, type ScriptedReply } from './testing/scripted-redis.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

function connected(url: string, gathers = false) {
  const log = new HeldLog()
  const condition = new ConditionLog({ name: 'redis', log, clock: systemClock, whenGood: 'good again' })
  const options = { name: 'test', clock: systemClock, random: Math.random, timeoutMs: 2_000, commandTimeoutMs: 2_000 }
  const redis = connectRedis({ ...options, url, condition, gathers })
  ends.push(
    () => condition.stop(),
    () => redis.disconnect(),
  )
  return { log, condition, redis }
}

const until = async (what: string, holds: () => boolean): Promise<void> => {
  const deadlineMs = performance.now() + 20_000
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not in time: ${what}`)
    await sleep(10)
  }
}

/** Answers what a Redis answers whose role and refusals are these, which may change. */
async function scripted(state: { role: 'master' | 'slave'; version?: string }): Promise<ScriptedRedis> {
  const reply = ([name = '']: readonly string[]): ScriptedReply => {
    if (name.toLowerCase() === 'hello') return { line: "-ERR unknown command 'HELLO'" }
    if (name.toLowerCase() === 'info')
      return { bulk: `redis_version:${state.version ?? '7.0.0'}\r\nrole:${state.role}\r\n` }
    const isWrite = name.toLowerCase() === 'set'
    if (isWrite && state.role === 'slave') return { line: "-READONLY You can't write against a read only replica." }
    return { line: '+OK' }
  }
  const server = await ScriptedRedis.start(reply)
  ends.push(() => server.stop())
  return server
}

const realUrl = (): string => process.env['TEST_REDIS_URL'] ?? ''

test('N31 what is asked before it is there fails at once, and is not what the condition tells', async () => {
  const { log, redis } = connected(realUrl())
  await expect(redis.connect().then(() => redis.get('there'))).resolves.toBeNull()
  redis.disconnect(true)
  const begunAtMs = performance.now()
  await expect(redis.set('test:away', '1')).rejects.toThrow()
  expect(performance.now() - begunAtMs).toBeLessThan(5_000)
  await until('it is back', () => redis.status === 'ready')
  expect(log.lines.filter(({ message }) => message !== 'Redis is not reached')).toEqual([])
})

test('N31 a command that is refused is told, and a wrong type is not; it is good when that command works', async () => {
  const admin = new Redis(realUrl())
  ends.push(() => admin.disconnect())
  await admin.call('ACL', 'SETUSER', 'half', 'on', '>half-a-word', '~*', '&*', '+@all', '-hset')
  await admin.lpush('test:list', '1')
  const url = new URL(realUrl())
  Object.assign(url, { username: 'half', password: 'half-a-word' })
  const { log, condition, redis } = connected(url.href)
  await redis.connect()
  await expect(redis.get('test:list')).rejects.toThrow('WRONGTYPE')
  expect(condition.isBad).toBe(false)
  await expect(redis.pipeline().get('test:string').hset('test:hash', 'a', '1').exec()).resolves.toHaveLength(2)
  await until('it is told', () => condition.isBad)
  expect(log.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('may not do what is asked') }])
  await redis.get('test:string')
  expect(condition.isBad).toBe(true)
  await admin.call('ACL', 'SETUSER', 'half', '+hset')
  await redis.hset('test:hash', 'a', '1')
  expect(condition.isBad).toBe(false)
  await until('it is said', () => log.lines.some(({ message }) => message === 'good again'))
  await admin.del('test:list', 'test:hash')
  await admin.call('ACL', 'DELUSER', 'half')
})

test('N32 a primary that was demoted is left, and not again and again', async () => {
  const state: { role: 'master' | 'slave' } = { role: 'master' }
  const server = await scripted(state)
  const { log, condition, redis } = connected(server.url)
  beginConnecting(redis)
  await until('it is there', () => redis.status === 'ready')
  await redis.set('a', '1')
  expect(server.connections).toBe(1)
  state.role = 'slave'
  await expect(redis.set('a', '2')).rejects.toThrow('READONLY')
  await until('another connection is made', () => server.connections === 2 && redis.status === 'ready')
  for (let times = 0; times < 20; times += 1) await expect(redis.set('a', '3')).rejects.toThrow('READONLY')
  expect(server.connections).toBe(2)
  expect(condition.isBad).toBe(true)
  expect(log.lines.map(({ message }) => message)).toEqual([
    'REDIS_URL: this Redis is a replica that cannot be written to',
  ])
  state.role = 'master'
  await redis.set('a', '4')
  expect(condition.isBad).toBe(false)
})

test('N33 what the server is is said before anything fails, and looked at again until it is fit', async () => {
  const state: { role: 'master' | 'slave' } = { role: 'slave' }
  const server = await scripted(state)
  const { log, condition, redis } = connected(server.url)
  const check = new RedisFitnessCheck({ redis, condition, clock: systemClock, log, channel: 'rhizom:check' })
  ends.push(() => check.stop())
  beginConnecting(redis)
  await until('it is found', () => !check.isFit)
  expect(log.lines.map(({ message }) => message)).toEqual([
    'REDIS_URL: this Redis is a replica that cannot be written to',
  ])
  state.role = 'master'
  await until('it is fit', () => check.isFit)
  expect(condition.isBad).toBe(false)
})

test('A267 commands of one turn of the event loop are written together, and each is answered', async () => {
  const { redis } = connected(realUrl(), true)
  beginConnecting(redis)
  await until('it is ready', () => redis.status === 'ready')
  const writtenBefore = redis.stream.bytesWritten
  const answers = Array.from({ length: 50 }, (_none, n) => redis.echo(`${n}`))
  const { writableCorked, writableLength } = redis.stream
  expect(writableCorked).toBe(1)
  expect(writableLength).toBeGreaterThan(50)
  expect(await Promise.all(answers)).toEqual(answers.map((_answer, n) => `${n}`))
  expect(redis.stream.writableCorked).toBe(0)
  expect(redis.stream.bytesWritten).toBeGreaterThanOrEqual(writtenBefore + writableLength)
})

test('N86 the script of the accounts is sent once, and again when Redis forgot it, which is no trouble', async () => {
  const asked: string[] = []
  let isKept = false
  const server = await ScriptedRedis.start(([name = '']) => {
    if (!name.startsWith('eval'))
      return name === 'info' ? { bulk: 'redis_version:7.0.0\r\nrole:master\r\n' } : { line: '+OK' }
    asked.push(name)
    if (name === 'evalsha' && !isKept) return { line: '-NOSCRIPT No matching script. Please use EVAL.' }
    isKept = true
    return { line: '*3\r\n:0\r\n:0\r\n:70' }
  })
  ends.push(() => server.stop())
  const { log, condition, redis } = connected(server.url)
  await redis.connect()
  const accounts = new RedisAccounts(redis, redisNames('test:'), { waitMs: 20_000, pauseMs: 0 })
  const limit = { perSecond: 1, burst: 1000 }
  const ask = () => accounts.ask([{ budget: 'mutations', account: '@ada', cost: 1, limit }], 'take')
  const answer = { refused: undefined, spentMs: [70] }
  for (let round = 0; round < 3; round += 1) expect(await ask()).toEqual(answer)
  isKept = false
  expect(await ask()).toEqual(answer)
  expect(asked).toEqual(['evalsha', 'eval', 'evalsha', 'evalsha', 'evalsha', 'eval'])
  expect([condition.isBad, log.lines]).toEqual([false, []])
})
