import fc from 'fast-check'
import { expect, test } from 'vitest'
import { appendText, type Content, contentSchema } from './content.ts'
import { beingIdSchema, mutationIdSchema } from './id.ts'
import { jsonObjectSchema, MAX_JSON_DEPTH, text } from './json.ts'

test.each(['@a', '@ada', '@a-1', `@${'x'.repeat(63)}`])('P1 %s is an id', (id) => {
  expect(beingIdSchema.safeParse(id).success).toBe(true)
})

test.each(['ada', '@', '@-a', '@Ada', '@a_b', '@a b', `@${'x'.repeat(64)}`, '@ä', '@a\n'])('P1 %j is no id', (id) => {
  expect(beingIdSchema.safeParse(id).success).toBe(false)
})

test('P1 uuids are compared in lower case', () => {
  expect(mutationIdSchema.parse('0193B2A0-0000-7000-8000-00000000ABCD')).toBe('0193b2a0-0000-7000-8000-00000000abcd')
  expect(mutationIdSchema.safeParse('0193b2a0').success).toBe(false)
})

const unstorable = ['a\u0000b', '\ud800', 'x\udc00']

test.each(unstorable)('P2 %j cannot be stored, wherever it stands', (bad) => {
  expect(text().safeParse(bad).success).toBe(false)
  expect(jsonObjectSchema.safeParse({ deep: [{ er: bad }] }).success).toBe(false)
  expect(jsonObjectSchema.safeParse({ [bad]: 1 }).success).toBe(false)
  expect(contentSchema.safeParse([bad]).success).toBe(false)
  expect(contentSchema.safeParse([{ type: 'code', source: bad }]).success).toBe(false)
})

test('P2 whole surrogate pairs are fine', () => {
  expect(contentSchema.safeParse(['🦊 é 漢']).success).toBe(true)
})

test('P2 JSON may nest as deep as the bound and no deeper', () => {
  const nested = (depth: number): Record<string, unknown> => (depth === 1 ? {} : { in: nested(depth - 1) })
  expect(jsonObjectSchema.safeParse(nested(MAX_JSON_DEPTH)).success).toBe(true)
  expect(jsonObjectSchema.safeParse(nested(MAX_JSON_DEPTH + 1)).success).toBe(false)
})

test('P3 an append extends a final text node and otherwise adds one', () => {
  expect(appendText([], 'a')).toEqual(['a'])
  expect(appendText(['a'], 'b')).toEqual(['ab'])
  expect(appendText(['a', { type: 'image' }], 'b')).toEqual(['a', { type: 'image' }, 'b'])
})

test('P3 content needs an array, and a node needs a type', () => {
  expect(contentSchema.safeParse('text').success).toBe(false)
  expect(contentSchema.safeParse([{ source: 'x' }]).success).toBe(false)
  expect(contentSchema.safeParse([{ type: '' }]).success).toBe(false)
})

test('P3 appending piece by piece says the same as appending at once, and leaves its argument alone', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 })), (pieces) => {
      const start: Content = [{ type: 'mark' }]
      const grown = pieces.reduce<Content>(appendText, start)
      expect(grown.filter((node) => typeof node === 'string').join('')).toBe(pieces.join(''))
      expect(grown.length).toBe(pieces.length === 0 ? 1 : 2)
      expect(start).toEqual([{ type: 'mark' }])
    }),
  )
})
