import { spaceIdSchema } from '@rhizom/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { slugOf } from './slug.ts'

test('a name becomes an address one can read', () => {
  expect(slugOf('Reading circle, Tuesdays')).toBe('@reading-circle-tuesdays')
  expect(slugOf('  Übung & Café ')).toBe('@ubung-cafe')
  expect(slugOf('日本')).toBe('')
})

test('whatever the name, the address is empty or valid', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: 'grapheme' }), (name) => {
      const slug = slugOf(name)
      expect(slug === '' || spaceIdSchema.safeParse(slug).success).toBe(true)
    }),
  )
})
