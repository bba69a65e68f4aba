import { expect, test } from 'vitest'
import { Shares } from './shares.ts'

const someone = (address?: string, actor?: string) => ({ address, actor })

test('A54 whoever holds its share is refused, and the rest is there for the others', () => {
  const shares = new Shares({ all: 10, perAddress: 5, perActor: 3 })
  for (let round = 0; round < 5; round += 1) expect(shares.take(someone('a'), 1)).toBeUndefined()
  expect(shares.take(someone('a'), 1)).toBe('address')
  for (let round = 0; round < 3; round += 1) expect(shares.take(someone('b', '@ada'), 1)).toBeUndefined()
  // A token is free, and so is another address: neither helps beyond the other's share.
  expect(shares.take(someone('c', '@ada'), 1)).toBe('actor')
  expect(shares.take(someone('b', '@bob'), 3)).toBe('address')
  expect(shares.take(someone('c', '@bob'), 2)).toBeUndefined()
  expect(shares.take(someone('d', '@eve'), 1)).toBe('all')
  // A gateway is counted with all, and in no share.
  shares.give(someone('c', '@bob'), 2)
  expect(shares.take(someone(), 2)).toBeUndefined()
  expect(shares.take(someone(), 1)).toBe('all')
})

test('A54 what is given back can be taken again, and nothing is kept of those who hold nothing', () => {
  const shares = new Shares({ all: 100_000, perAddress: 2, perActor: 1 })
  for (let round = 0; round < 10_000; round += 1) {
    const holder = someone(`address ${round}`, `@b${round}`)
    expect(shares.take(holder, 1)).toBeUndefined()
    expect(shares.take(holder, 1)).toBe('actor')
    shares.give(holder, 1)
    expect(shares.take(holder, 1)).toBeUndefined()
    shares.give(holder, 1)
  }
  expect(shares.held).toBe(0)
  expect(shares.holders).toBe(0)
})
