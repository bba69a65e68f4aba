import { expect, test } from 'vitest'
import { SpaceRoster } from '../core/presence/roster.ts'
import { BeatContent, HASH_TTL_MS } from './beat-content.ts'

const lease = { leaseMs: 15_000, retryMs: 500 }
const rosters = (...spaces: string[]) =>
  new Map(
    spaces.map((space) => {
      const settings = { graceMs: 0, windowMs: 0, listLimit: 1 }
      return [space, { roster: new SpaceRoster(space, { bootId: 'me', formerly: [] }, settings) }] as const
    }),
  )
const measured = (content: BeatContent, spaces: ReturnType<typeof rosters>, times: number) =>
  Array.from({ length: times }, () => content.nextToMeasure(spaces)?.space)

test('G114 each write is told by the heartbeats of one lease time, and then nothing is', () => {
  const content = new BeatContent(lease)
  expect(content.announce('me', 0)).toBeUndefined()
  content.wrote('me', '@a', 1, 0)
  content.wrote('me', '@b', 2, 4000)
  content.wrote('me', '@a', 3, 9000)
  expect(content.announce('me', 9000)).toEqual({ bootId: 'me', wrote: { '@b': 2, '@a': 3 }, stops: false })
  expect(content.announce('me', 19_001)?.wrote).toEqual({ '@a': 3 })
  expect(content.announce('me', 24_001)).toBeUndefined()
})

test('G114 what was written under a former name is not told under the present one', () => {
  const content = new BeatContent(lease)
  content.wrote('me', '@a', 1, 0)
  content.wrote('me', '@b', 2, 0)
  content.wrote('me-again', '@a', 3, 10)
  expect(content.announce('me-again', 20)?.wrote).toEqual({ '@a': 3 })
})

test('G105 what a heartbeat tells is bounded, the latest stay', () => {
  const content = new BeatContent(lease)
  for (let index = 0; index < 3000; index++) content.wrote('me', `@s${index}`, index, 0)
  const wrote = Object.keys(content.announce('me', 0)?.wrote ?? {})
  expect([wrote.length, wrote[0], wrote.at(-1)]).toEqual([2000, '@s1000', '@s2999'])
})

test('G114 every space is measured in its turn, whatever became of those of the last round', () => {
  const content = new BeatContent(lease)
  expect(measured(content, rosters(), 2)).toEqual([undefined, undefined])
  const first = measured(content, rosters('@a', '@b', '@c'), 3)
  expect(new Set(first)).toEqual(new Set(['@a', '@b', '@c']))
  const many = Array.from({ length: 50 }, (_, index) => `@gone${index}`)
  content.nextToMeasure(rosters(...many))
  expect(new Set(measured(content, rosters('@d', '@e'), 2))).toEqual(new Set(['@d', '@e']))
})

test('G116 a hash is renewed long before its time, where somebody is here through us', () => {
  const content = new BeatContent(lease)
  const spaces = rosters('@a', '@b')
  for (const id of ['@a', '@b', '@left']) content.wrote('me', id, 1, 0)
  content.forget('@left')
  spaces.get('@a')?.roster.came(1, '@ada', 0)
  expect(content.toRenew(spaces, HASH_TTL_MS / 3 - 1)).toEqual([])
  expect(content.toRenew(spaces, HASH_TTL_MS / 3)).toEqual(['@a'])
  expect(content.toRenew(spaces, HASH_TTL_MS / 3)).toEqual([])
})
