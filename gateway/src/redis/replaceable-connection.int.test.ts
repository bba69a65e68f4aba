/** A connection that is replaced while it works, over the real Redis. */
import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock } from '@rhizom/machine'
import { ConditionLog, connectRedis } from '@rhizom/process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { redisUrl, TestLog } from '../testing/test-gateway.ts'
import { ReplaceableConnection } from './replaceable-connection.ts'

/** What a replica answers to a write. */
const REFUSED = `return redis.error_reply("READONLY You can't write against a read only replica.")`

let connection: ReplaceableConnection
let condition: ConditionLog
let nowMs = 0
const seen = { connected: 0, demoted: 0, failures: [] as string[] }
const failed = (error: unknown): void => void seen.failures.push(String(error))

beforeEach(async () => {
  Object.assign(seen, { connected: 0, demoted: 0, failures: [] })
  condition = new ConditionLog({
    name: 'redis',
    log: new TestLog(),
    clock: systemClock,
    whenGood: 'Redis is there again',
  })
  connection = new ReplaceableConnection(() =>
    connectRedis({
      url: redisUrl(),
      name: `rhizom-test-${randomUUID()}`,
      clock: { nowMs: () => nowMs },
      random: Math.random,
      condition,
      timeoutMs: 2000,
      commandTimeoutMs: 2000,
      demoted: () => void seen.demoted++,
    }),
  )
  connection.start({ connected: () => void seen.connected++, failed })
  await eventually('it is connected', () => seen.connected === 1)
})

afterEach(() => {
  connection.stop()
  condition.stop()
})

test('G123 nothing is refused while a connection is replaced, and the former goes', async () => {
  const former = connection.redis
  const asked: Promise<string>[] = []
  connection.replace()
  while (seen.connected === 1) {
    asked.push(connection.redis.ping())
    await nextTurn()
  }
  expect(connection.redis).not.toBe(former)
  expect(new Set(await Promise.all([...asked, connection.redis.ping()]))).toEqual(new Set(['PONG']))
  await eventually('the former is gone', () => former.status === 'end')
  expect(seen).toEqual({ connected: 2, demoted: 0, failures: [] })
})

test('G123 of replacements in a row the last one stays', async () => {
  const former = connection.redis
  for (let time = 0; time < 50; time++) connection.replace()
  await eventually('the last one is connected', () => seen.connected === 2)
  await eventually('the former is gone', () => former.status === 'end')
  expect(await connection.redis.ping()).toBe('PONG')
  expect(seen).toEqual({ connected: 2, demoted: 0, failures: [] })
})

test('G122 a refusal to write ends the connection, and the next one only after a while', async () => {
  const isRefused = () => expect(connection.redis.eval(REFUSED, 0)).rejects.toThrow('READONLY')
  await isRefused()
  await eventually('it is connected anew', () => seen.connected === 2)
  for (let time = 0; time < 100; time++) await isRefused()
  expect(await connection.redis.ping()).toBe('PONG')
  expect(seen).toEqual({ connected: 2, demoted: 1, failures: [] })
  nowMs += 5000
  await isRefused()
  await eventually('it is connected anew after a while', () => seen.connected === 3)
  expect(seen.demoted).toBe(2)
})
