import { expect, test } from 'vitest'
import { concernsConnection, redisFitness, redisTrouble } from './redis-trouble.ts'

const reply = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' })

test.each([
  [new Error('connect ECONNREFUSED 127.0.0.1:6379'), 'is not reached'],
  [new Error('getaddrinfo ENOTFOUND redis'), 'is not reached'],
  [new AggregateError([], ''), 'is not reached'],
  [new Error("Socket timeout. Expecting data, but didn't receive any in 2000ms."), 'does not answer'],
  [new Error('Unknown RESP type 72 "H". Please report this.'), 'is no Redis'],
  [reply('WRONGPASS invalid username-password pair or user is disabled.'), 'refuses this user or password'],
  [reply('NOAUTH Authentication required.'), 'refuses this user or password'],
  [reply('ERR invalid password'), 'refuses this user or password'],
  [reply("NOPERM this user has no permissions to run the 'publish' command"), 'may not do what is asked'],
  [reply("READONLY You can't write against a read only replica."), 'is a replica'],
  [reply('MOVED 1234 127.0.0.1:7001'), 'is a cluster'],
  [reply("CROSSSLOT Keys in request don't hash to the same slot"), 'is a cluster'],
  [reply("ERR unknown command 'ZMSCORE'"), 'is too old'],
  [reply('ERR DB index is out of range'), 'no database of this number'],
  [reply('LOADING Redis is loading the dataset in memory'), 'is not ready'],
  [reply("OOM command not allowed when used memory > 'maxmemory'."), 'takes no writes'],
  [reply('ERR something else'), 'refuses what is asked'],
])('N30 %s means that Redis … %s', (error, reason) => {
  const trouble = redisTrouble(error)
  expect(trouble.reason).toContain(reason)
  expect(trouble.problem).not.toBe('')
})

test('N31 what a key holds concerns its reader, what happens on the way concerns the connection alone', () => {
  expect(concernsConnection(reply('WRONGTYPE Operation against a key'))).toBe(false)
  expect(concernsConnection(new Error('Connection is closed.'))).toBe(false)
  expect(concernsConnection(reply('NOPERM no'))).toBe(true)
})

const info = (fields: Record<string, string>): string =>
  `# Server\r\n${Object.entries({ redis_version: '7.0.15', role: 'master', ...fields })
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('')}`

test.each([
  [{}, undefined],
  [{ redis_version: '6.2.0' }, undefined],
  [{ redis_version: '10.1.0' }, undefined],
  [{ redis_version: '6.0.16' }, 'too old'],
  [{ redis_version: '5.0.14' }, 'too old'],
  [{ role: 'slave' }, 'a replica'],
  [{ redis_mode: 'cluster' }, 'a cluster'],
  [{ cluster_enabled: '1' }, 'a cluster'],
])('N33 of a server that says %j it is said: %s', (fields, reason) => {
  const { trouble } = redisFitness(info(fields))
  if (reason === undefined) expect(trouble).toBeUndefined()
  else expect(trouble?.reason).toContain(reason)
})

test('N33 a memory limit with a policy that evicts is a warning', () => {
  const warned = (maxmemory: string, policy: string) =>
    redisFitness(info({ maxmemory, maxmemory_policy: policy })).warning !== undefined
  expect(warned('104857600', 'allkeys-lru')).toBe(true)
  expect(warned('104857600', 'volatile-ttl')).toBe(true)
  expect(warned('104857600', 'noeviction')).toBe(false)
  expect(warned('0', 'allkeys-lru')).toBe(false)
  expect(redisFitness('')).toEqual({ trouble: undefined, warning: undefined })
})
