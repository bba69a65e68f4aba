import type { Moment } from '@rhizom/machine'
import { expect, test } from 'vitest'
import { Roster } from '../core/presence/roster.ts'
import { HASH_TTL_MS, takeNextToCount, RecentWrites, takeOverdue } from './heartbeat.ts'

const at: Moment = { nowMs: 0, dateMs: 0, random: 0.5 }
const lease = { leaseMs: 15_000, retryMs: 500 }
const rosters = (...spaces: string[]) =>
  new Map(
    spaces.map((space) => {
      const settings = { graceMs: 0, windowMs: 0, listLimit: 1 }
      const roster = new Roster(space, { bootId: 'me', previousBootIds: [] }, 'down', settings)
      return [space, { roster, extendedAtMs: 0, dispatch: () => undefined }] as const
    }),
  )
const counted = (spaces: ReturnType<typeof rosters>, times: number) =>
  Array.from({ length: times }, () => takeNextToCount(spaces)?.roster.space)

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

test('G116 a hash is renewed long before its time, where somebody is here through us', () => {
  const spaces = rosters('@a', '@b')
  spaces.get('@a')?.roster.local.join(1, '@ada', at)
  expect(takeOverdue(spaces, HASH_TTL_MS / 3 - 1)).toEqual([])
  expect(takeOverdue(spaces, HASH_TTL_MS / 3)).toEqual(['@a'])
  expect(takeOverdue(spaces, HASH_TTL_MS / 3)).toEqual([])
})

test('G105 of hashes that are to be renewed a heartbeat renews a bounded number', () => {
  const spaces = rosters(...Array.from({ length: 250 }, (_, index) => `@s${index}`))
  for (const { roster } of spaces.values()) roster.local.join(1, '@ada', at)
  const renewed = Array.from({ length: 4 }, () => takeOverdue(spaces, HASH_TTL_MS))
  expect(renewed.map(({ length }) => length)).toEqual([100, 100, 50, 0])
  expect(new Set(renewed.flat()).size).toBe(250)
})
