import { expect, test } from 'vitest'
import { seeded } from './chance.ts'

const draws = (seed: number): number[] => {
  const random = seeded(seed)
  return Array.from({ length: 50 }, () => random.below(1_000))
}

test('F24 the same seed makes the same choices, another seed others', () => {
  expect(draws(7)).toEqual(draws(7))
  expect(draws(7)).not.toEqual(draws(8))
})

test('F24 choices are spread over what there is', () => {
  const random = seeded(3)
  const counts = new Map<string, number>()
  for (let draw = 0; draw < 3_000; draw += 1) {
    const name = random.pick(['a', 'b', 'c'])
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  expect([...counts.values()].every((count) => count > 850 && count < 1_150)).toBe(true)
})
