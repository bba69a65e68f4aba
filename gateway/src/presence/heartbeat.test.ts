import type { Moment } from '@rhizom/machine'
import { expect, test } from 'vitest'
import { Roster } from '../core/presence/roster.ts'
import { HASH_TTL_MS, HeartbeatPayload } from './heartbeat.ts'

const at: Moment = { nowMs: 0, dateMs: 0, random: 0.5 }
const lease = { leaseMs: 15_000, retryMs: 500 }
const rosters = (...spaces: string[]) =>
  new Map(
    spaces.map((space) => {
      const settings = { graceMs: 0, windowMs: 0, listLimit: 1 }
      return [space, { roster: new Roster(space, { bootId: 'me', previousBootIds: [] }, 'down', settings) }] as const
    }),
  )
const counted = (payload: HeartbeatPayload, spaces: ReturnType<typeof rosters>, times: number) =>
  Array.from({ length: times }, () => payload.nextToCount(spaces)?.space)

test('G114 each write is told by the heartbeats of one lease time, and then nothing is', () => {
  const payload = new HeartbeatPayload(lease)
  expect(payload.announce('me', 0)).toBeUndefined()
  payload.wrote('@a', { epoch: 'me', from: 0, to: 1 }, 0)
  payload.wrote('@b', { epoch: 'me', from: 0, to: 2 }, 4000)
  payload.wrote('@a', { epoch: 'me', from: 0, to: 3 }, 9000)
  expect(payload.announce('me', 9000)).toEqual({ bootId: 'me', wrote: { '@b': 2, '@a': 3 }, stops: false })
  expect(payload.announce('me', 19_001)?.wrote).toEqual({ '@a': 3 })
  expect(payload.announce('me', 24_001)).toBeUndefined()
})

test('G114 what was written under a former name is not told under the present one', () => {
  const payload = new HeartbeatPayload(lease)
  payload.wrote('@a', { epoch: 'me', from: 0, to: 1 }, 0)
  payload.wrote('@b', { epoch: 'me', from: 0, to: 2 }, 0)
  payload.wrote('@a', { epoch: 'me-again', from: 0, to: 3 }, 10)
  expect(payload.announce('me-again', 20)?.wrote).toEqual({ '@a': 3 })
})

test('G105 what a heartbeat tells is bounded, the latest stay', () => {
  const payload = new HeartbeatPayload(lease)
  for (let index = 0; index < 3000; index++) payload.wrote(`@s${index}`, { epoch: 'me', from: 0, to: index }, 0)
  const wrote = Object.keys(payload.announce('me', 0)?.wrote ?? {})
  expect([wrote.length, wrote[0], wrote.at(-1)]).toEqual([2000, '@s1000', '@s2999'])
})

test('G114 every space is counted in its turn, whatever became of those of the last round', () => {
  const payload = new HeartbeatPayload(lease)
  expect(counted(payload, rosters(), 2)).toEqual([undefined, undefined])
  const first = counted(payload, rosters('@a', '@b', '@c'), 3)
  expect(new Set(first)).toEqual(new Set(['@a', '@b', '@c']))
  const many = Array.from({ length: 50 }, (_, index) => `@gone${index}`)
  payload.nextToCount(rosters(...many))
  expect(new Set(counted(payload, rosters('@d', '@e'), 2))).toEqual(new Set(['@d', '@e']))
})

test('G116 a hash is renewed long before its time, where somebody is here through us', () => {
  const payload = new HeartbeatPayload(lease)
  const spaces = rosters('@a', '@b')
  for (const id of ['@a', '@b', '@left']) payload.wrote(id, { epoch: 'me', from: 0, to: 1 }, 0)
  payload.forget('@left')
  spaces.get('@a')?.roster.join(1, '@ada', at)
  expect(payload.toExtend(spaces, HASH_TTL_MS / 3 - 1)).toEqual([])
  expect(payload.toExtend(spaces, HASH_TTL_MS / 3)).toEqual(['@a'])
  expect(payload.toExtend(spaces, HASH_TTL_MS / 3)).toEqual([])
})
