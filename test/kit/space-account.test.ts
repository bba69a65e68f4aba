import { expect, test } from 'vitest'
import { SpaceAccount } from './space-account.ts'

const [EPOCH, OTHER] = ['one', 'other']
const run = (from: number, to: number, epoch = EPOCH) => ({ epoch, from, to })
const changes = (...versions: number[]) => versions.map((version) => ({ version }))

test('F20 a run is applied where it follows or overlaps, and nothing of it twice', () => {
  const account = new SpaceAccount({ epoch: EPOCH, version: 3 })
  const readings = [
    account.apply(run(3, 5), changes(4, 5)),
    account.apply(run(3, 6), changes(4, 5, 6)),
    account.apply(run(2, 6), changes(3, 4, 5, 6)),
  ]
  expect(readings.map(({ placement, fresh }) => [placement, ...fresh.map(({ version }) => version)])).toEqual([
    ['follows', 4, 5],
    ['overlaps', 6],
    ['old'],
  ])
  expect(readings.flatMap(({ wrong }) => wrong)).toEqual([])
})

test.each([
  ['gap', run(4, 5)],
  ['other-epoch', run(3, 5, OTHER)],
])('F20 a run that is a %s is not applied', (placement, range) => {
  const account = new SpaceAccount({ epoch: EPOCH, version: 3 })
  expect(account.apply(range, changes(5))).toMatchObject({ placement, fresh: [] })
  expect(account.position).toEqual({ epoch: EPOCH, version: 3 })
})

test('F20 a run before any snapshot is told apart', () => {
  expect(new SpaceAccount().apply(run(0, 1), changes(1)).placement).toBe('unknown')
})

test.each([
  ['too few changes', changes(4)],
  ['too many', changes(4, 5, 6)],
  ['a hole', changes(4, 6)],
  ['another order', changes(5, 4)],
  ['one twice', changes(4, 4)],
])('F20 a run with %s is found', (_name, given) => {
  expect(new SpaceAccount({ epoch: EPOCH, version: 3 }).apply(run(3, 5), given).wrong).toHaveLength(1)
})

test('F21 a snapshot may go on or be of another history, and one that goes back is found', () => {
  const account = new SpaceAccount({ epoch: EPOCH, version: 3 })
  expect(account.begin({ epoch: EPOCH, version: 7 })).toEqual([])
  expect(account.begin({ epoch: EPOCH, version: 6 })).toHaveLength(1)
  expect(account.begin({ epoch: OTHER, version: 1 })).toEqual([])
})
