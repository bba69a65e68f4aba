import { BusSeal } from '@rhizom/process'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { mergeEntries, readPresence } from './read-presence.ts'

const entry = (field: string, since: number, state: object = {}, setAt = 0): [string, string] => [
  field,
  JSON.stringify({ state, since, setAt }),
]
const leases = new Set(['one', 'two'])

test('A39 A101 a being on two gateways is here once, since the earliest, in the state set last', () => {
  const entries = [entry('one/@ada', 5, { away: true }, 20), entry('two/@ada', 9, { away: false }, 10)]
  const expected = [{ being: '@ada', since: 5, state: { away: true } }]
  expect(mergeEntries(entries, leases)).toEqual(expected)
  expect(mergeEntries(entries.toReversed(), leases)).toEqual(expected)
})

test('A39 entries without a lease, or not understood, do not count; the others come by since', () => {
  const entries = [
    entry('two/@bob', 7),
    entry('gone/@eve', 1),
    entry('one/no-id', 1),
    ['one/@broken', 'x'] as [string, string],
    entry('one/@ada', 3),
  ]
  expect(mergeEntries(entries, leases).map(({ being }) => being)).toEqual(['@ada', '@bob'])
})

test('A71 presence is frozen while Redis is away, and no fault of ours passes for that', async () => {
  const redis = new Redis({ lazyConnect: true, enableOfflineQueue: false, retryStrategy: () => null, port: 1 })
  redis.on('error', () => undefined)
  const seal = new BusSeal({ secrets: ['of this test'], prefix: 'rhizom:', opened: () => undefined })
  try {
    expect(await readPresence({ redis, seal }, '@lobby', 10)).toEqual({ here: [], hereCount: 0, frozen: true })
    redis.hkeys = () => Promise.reject(new TypeError('a bug'))
    await expect(readPresence({ redis, seal }, '@lobby', 10)).rejects.toThrow('a bug')
  } finally {
    redis.disconnect()
  }
})
