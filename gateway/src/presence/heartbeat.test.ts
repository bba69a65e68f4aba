import { expect, test } from 'vitest'
import { Roster } from '../core/presence/roster.ts'
import { HASH_TTL_MS, RecentWrites, takeTurn } from './heartbeat.ts'

const lease = { leaseMs: 15_000, retryMs: 500 }
const rosters = (...spaces: string[]) =>
  new Map(
    spaces.map((space) => {
      const settings = { graceMs: 0, windowMs: 0, listLimit: 1 }
      const roster = new Roster(space, { bootId: 'me', previousBootIds: [] }, 'down', settings)
      return [space, { roster, dispatch: () => undefined }] as const
    }),
  )
const counted = (spaces: ReturnType<typeof rosters>, times: number) =>
  Array.from({ length: times }, () => takeTurn(spaces)[0]?.roster.space)

test('G114 each write is told by the heartbeats of one lease time, and then nothing is', () => {
  const writes = new RecentWrites(lease)
  expect(writes.announce('me', 0)).toBeUndefined()
  writes.add('@a', { epoch: 'me', from: 0, to: 1 }, 0)
  writes.add('@b', { epoch: 'me', from: 0, to: 2 }, 4000)
  writes.add('@a', { epoch: 'me', from: 0, to: 3 }, 9000)
  expect(writes.announce('me', 9000)).toEqual({ bootId: 'me', wrote: { '@b': 2, '@a': 3 }, stops: false })
  expect(writes.announce('me', 19_001)?.wrote).toEqual({ '@a': 3 })
  expect(writes.announce('me', 24_001)).toBeUndefined()
})

test('G114 what was written under a former name is not told under the present one', () => {
  const writes = new RecentWrites(lease)
  writes.add('@a', { epoch: 'me', from: 0, to: 1 }, 0)
  writes.add('@b', { epoch: 'me', from: 0, to: 2 }, 0)
  writes.add('@a', { epoch: 'me-again', from: 0, to: 3 }, 10)
  expect(writes.announce('me-again', 20)?.wrote).toEqual({ '@a': 3 })
})

test('G105 what a heartbeat tells is bounded, the latest stay', () => {
  const writes = new RecentWrites(lease)
  for (let index = 0; index < 3000; index++) writes.add(`@s${index}`, { epoch: 'me', from: 0, to: index }, 0)
  const wrote = Object.keys(writes.announce('me', 0)?.wrote ?? {})
  expect([wrote.length, wrote[0], wrote.at(-1)]).toEqual([2000, '@s1000', '@s2999'])
})

test('G114 every space is counted in its turn, also those that came meanwhile', () => {
  expect(counted(rosters(), 2)).toEqual([undefined, undefined])
  const spaces = rosters('@a', '@b', '@c')
  expect(counted(spaces, 2)).toEqual(['@a', '@b'])
  spaces.delete('@c')
  for (const [id, one] of rosters('@d', '@e')) spaces.set(id, one)
  expect(counted(spaces, 5)).toEqual(['@a', '@b', '@d', '@e', '@a'])
})

test('G105 a heartbeat looks after a thousandth of all spaces, and each comes round long before its hash is forgotten', () => {
  const spaces = rosters(...Array.from({ length: 2500 }, (_, index) => `@s${index}`))
  const turns = Array.from({ length: 1000 }, () => takeTurn(spaces).map(({ roster }) => roster.space))
  expect(new Set(turns.map(({ length }) => length))).toEqual(new Set([3]))
  expect(new Set(turns.flat()).size).toBe(2500)
  expect(turns.length * (lease.leaseMs / 3) * 10).toBeLessThan(HASH_TTL_MS)
})
