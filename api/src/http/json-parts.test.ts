import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hasMorePartsThan } from './json-parts.ts'

/** Counted on the value, as slowly as it takes. */
function partsOf(value: unknown): number {
  if (Array.isArray(value)) return 1 + value.reduce((sum: number, item) => sum + partsOf(item), 0)
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Object.values(value).reduce((sum: number, item) => sum + 1 + partsOf(item), 0)
}

test('A61 objects, arrays and keys are counted exactly, whatever stands in strings', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 0, max: 4 }), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      const parts = partsOf(value)
      // A short text is not counted: it cannot hold more.
      const padded = text + ' '.repeat(parts + 1)
      expect(hasMorePartsThan(padded, parts)).toBe(false)
      if (parts > 0) expect(hasMorePartsThan(padded, parts - 1)).toBe(true)
    }),
  )
})

test.each(['"', '"\\', '"\\"', '{"a":"\\\\"}', '[[[', ']]]', '\\\\\\', ''])('A61 counting %j ends', (text) => {
  expect(typeof hasMorePartsThan(`${text}${'['.repeat(10)}`, 3)).toBe('boolean')
})
