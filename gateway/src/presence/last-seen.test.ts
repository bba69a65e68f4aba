import { beforeEach, expect, test } from 'vitest'
import { ManualClock } from '@rhizom/machine/testing'
import { LastSeen } from './last-seen.ts'

let clock: ManualClock
let posted: { being: string; at: number }[][]
let isTaken: boolean
let lastSeen: LastSeen
let outcomes: Record<string, number>

beforeEach(() => {
  clock = new ManualClock()
  posted = []
  isTaken = true
  outcomes = {}
  lastSeen = new LastSeen({
    clock,
    everyMs: 100,
    report: (beings) => {
      posted.push([...beings])
      return Promise.resolve(isTaken)
    },
    given: (outcome, beings) => (outcomes[outcome] = (outcomes[outcome] ?? 0) + beings),
  })
})

const rounds = async (count = 1): Promise<void> => {
  for (let round = 0; round < count; round++) {
    clock.advance(100)
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
}

test('G108 times are gathered, the latest of each being counts', async () => {
  lastSeen.note('@early', 1)
  await rounds()
  posted = []
  lastSeen.note('@ada', 5)
  lastSeen.note('@bob', 6)
  lastSeen.note('@ada', 4)
  clock.advance(19)
  expect(posted).toEqual([])
  await rounds()
  expect(posted).toEqual([
    [
      { being: '@ada', at: 5 },
      { being: '@bob', at: 6 },
    ],
  ])
  await rounds(3)
  expect(posted).toHaveLength(1)
})

test('G108 what the api did not take is given again, in batches it can take', async () => {
  isTaken = false
  for (let index = 0; index < 1500; index++) lastSeen.note(`@b${index}`, index)
  await rounds(2)
  expect(posted.map((batch) => batch.length)).toEqual([1000, 1000])
  isTaken = true
  lastSeen.note('@b3', 9000)
  await rounds()
  expect(posted.slice(2).flat()).toHaveLength(1500)
  expect(
    posted
      .slice(2)
      .flat()
      .find(({ being }) => being === '@b3')?.at,
  ).toBe(9000)
  expect(outcomes).toEqual({ failed: 2000, stored: 1500 })
})

test('G108 the first after quiet is given at once', async () => {
  lastSeen.note('@ada', 5)
  clock.advance(20)
  expect(posted).toHaveLength(1)
  await rounds()
  clock.advance(1000)
  lastSeen.note('@bob', 6)
  clock.advance(20)
  expect(posted).toHaveLength(2)
})

test('G108 what waits for the api is bounded', async () => {
  isTaken = false
  for (let index = 0; index < 105_000; index++) lastSeen.note(`@b${index}`, index)
  expect(outcomes).toEqual({ dropped: 5000 })
  lastSeen.stop()
  await rounds()
  expect(posted).toEqual([])
})

test('G115 a gateway that stops gives all it knows, also while a report is under way', async () => {
  const answers: ((isTaken: boolean) => void)[] = []
  const slow = new LastSeen({
    clock,
    everyMs: 100,
    report: (beings) => {
      posted.push([...beings])
      return new Promise((resolve) => answers.push(resolve))
    },
    given: () => undefined,
  })
  slow.note('@ada', 5)
  clock.advance(20)
  slow.note('@bob', 6)
  const flushed = slow.flush()
  answers.shift()?.(true)
  await rounds()
  answers.shift()?.(true)
  await flushed
  expect(posted).toEqual([[{ being: '@ada', at: 5 }], [{ being: '@bob', at: 6 }]])
})
