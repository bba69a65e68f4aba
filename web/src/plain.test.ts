import { expect, test } from 'vitest'
import { plain } from './plain.ts'

test('what turns text around is taken out, and all that is written stays', () => {
  expect(plain('\u202Erenwo\u202C')).toBe('renwo')
  expect(plain('a\u2069\u2066\u200F\u061Cb')).toBe('ab')
  expect(plain('Ada · עדה · آدا 👩\u200D🚀')).toBe('Ada · עדה · آدا 👩\u200D🚀')
})
