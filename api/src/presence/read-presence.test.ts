import { BusSeal, openFields } from '@rhizom/process'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { mergeEntries, placesOf, readPresence } from './read-presence.ts'

const seal = new BusSeal({ secrets: ['of this test'], prefix: 'rhizom:', opened: () => undefined })
seal.installationLearned('of this test')
const place = (field: string): string => `${seal.names.here('@lobby')} ${field}`
const entry = (field: string, since: number, state: object = {}, setAt = 0): [string, string] => [
  field,
  String(seal.seal(place(field), JSON.stringify({ state, since, setAt }))),
]
const merged = (entries: [string, string][]) => mergeEntries(openFields(seal, '@lobby', entries))

test('A39 A101 a being on two gateways is here once, since the earliest, in the state set last', () => {
  const entries = [entry('one/@ada', 5, { away: true }, 20), entry('two/@ada', 9, { away: false }, 10)]
  const expected = [{ being: '@ada', since: 5, state: { away: true } }]
  expect(merged(entries)).toEqual(expected)
  expect(merged(entries.toReversed())).toEqual(expected)
})

test('A39 entries not understood, or of another place, do not count; the others come by since', () => {
  const entries = [
    entry('two/@bob', 7),
    entry('one/no-id', 1),
    ['one/@broken', String(seal.seal(place('one/@broken'), 'x'))] as [string, string],
    ['one/@moved', entry('one/@eve', 1)[1]] as [string, string],
    entry('one/@ada', 3),
  ]
  expect(merged(entries).map(({ being }) => being)).toEqual(['@ada', '@bob'])
})

test('A39 nobody is here through a gateway without a lease', () => {
  const places = placesOf(['one/@ada', 'gone/@ada', 'gone/@eve', 'two/@ada', 'one/no-id'], new Set(['one', 'two']))
  expect([...places]).toEqual([['@ada', ['one/@ada', 'two/@ada']]])
})

test('A71 presence is frozen while Redis is away, and no fault of ours passes for that', async () => {
  const redis = new Redis({ lazyConnect: true, enableOfflineQueue: false, retryStrategy: () => null, port: 1 })
  redis.on('error', () => undefined)
  try {
    expect(await readPresence({ redis, seal }, '@lobby', 10)).toEqual({ here: [], hereCount: 0, frozen: true })
    redis.hkeys = () => Promise.reject(new TypeError('a bug'))
    await expect(readPresence({ redis, seal }, '@lobby', 10)).rejects.toThrow('a bug')
  } finally {
    redis.disconnect()
  }
})
