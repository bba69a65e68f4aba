import fc from 'fast-check'
import { expect, expectTypeOf, test } from 'vitest'
import { parseHeadsMessage } from './bus.ts'
import { parseClientMessage, parseHelloLine } from './client-frame.ts'
import { MAX_TEXT_DEPTH, nestsDeeperThan } from './codec.ts'
import { contentSchema } from './content-schema.ts'
import { appendText, type Content } from './content.ts'
import { type Being, nameSchema } from './entity.ts'
import {
  type BeingId,
  beingIdSchema,
  type Epoch,
  type IntentionId,
  type MutationId,
  mutationIdSchema,
  type SpaceId,
} from './id.ts'
import { jsonObjectSchema, text } from './json-schema.ts'
import { MAX_JSON_DEPTH } from './json.ts'
import type { Mutation } from './mutation.ts'
import { parseServerMessage } from './server-frame.ts'

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

const UNSEEN = [
  ' ',
  '\u200b',
  '\u3164',
  '\u2800',
  '\u202e',
  '\u00ad',
  '\ufe0f',
  '\u0085',
  '\u0001',
  '\u0301',
  '\u00a0 \u200d',
]

test.each(UNSEEN)('P60 %j alone is no name, and is none beside others that are not seen', (unseen) => {
  expect(nameSchema.safeParse(unseen).success).toBe(false)
  expect(nameSchema.safeParse(UNSEEN.join('')).success).toBe(false)
  expect(nameSchema.safeParse(`${unseen}a`).success).toBe(true)
})

test.each(['a', '漢', '🦊', '.', '한', 'é', '👩‍👩‍👧'])('P60 %s is a name', (name) => {
  expect(nameSchema.safeParse(name).success).toBe(true)
})

test('P2 whole surrogate pairs are fine', () => {
  expect(contentSchema.safeParse(['🦊 é 漢']).success).toBe(true)
})

test('P2 JSON may nest as deep as the bound and no deeper', () => {
  const nested = (depth: number): Record<string, unknown> => (depth === 1 ? {} : { in: nested(depth - 1) })
  expect(jsonObjectSchema.safeParse(nested(MAX_JSON_DEPTH)).success).toBe(true)
  expect(jsonObjectSchema.safeParse(nested(MAX_JSON_DEPTH + 1)).success).toBe(false)
})

const nestedText = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
/** As deep as the bound and one deeper, and far beyond what a recursion survives. */
const tooDeep = [MAX_TEXT_DEPTH + 1, 2_000, 32_000, 1_000_000]

test.each(tooDeep)('P26 brackets %i deep are malformed, in whatever they stand', (depth) => {
  const nest = nestedText(depth)
  expect(nestsDeeperThan(nest, MAX_TEXT_DEPTH)).toBe(true)
  const problem = `nests deeper than ${MAX_TEXT_DEPTH}`
  for (const line of [
    nest,
    `{"type":"presence","space":"@a","state":{"a":${nest}}}`,
    `{"type":"signal","space":"@a","name":"x","data":{"a":${nest}}}`,
    `{"type":"hello","protocol":1,"token":${nest}}`,
    `{"type":"later","what":${nest}}`,
    `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
  ]) {
    expect(parseClientMessage(line)).toEqual([{ ok: false, problem }])
    expect(parseServerMessage(line)).toEqual([{ ok: false, problem }])
    expect(parseHelloLine(line)).toEqual({ ok: false, problem })
    expect(parseHeadsMessage(line)).toEqual({ ok: false, problem })
  }
})

test('P26 depth counts brackets outside of strings only, and does not trust that strings end', () => {
  expect(nestsDeeperThan(nestedText(MAX_TEXT_DEPTH), MAX_TEXT_DEPTH)).toBe(false)
  const inString = JSON.stringify({ type: 'ping', note: `"${'['.repeat(500)}\\` })
  expect(nestsDeeperThan(inString, MAX_TEXT_DEPTH)).toBe(false)
  expect(nestsDeeperThan(`"\\\\"${'['.repeat(500)}`, MAX_TEXT_DEPTH)).toBe(true)
  expect(nestsDeeperThan(`"never closed \\"${'['.repeat(500)}`, MAX_TEXT_DEPTH)).toBe(false)
})

test('P26 the measure on the text agrees with the depth of what is parsed', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 12 }), fc.integer({ min: 0, max: 12 }), (value, max) => {
      expect(nestsDeeperThan(JSON.stringify(value), max)).toBe(depthOf(value) > max)
    }),
  )
})

test('P27 a large value of any shape is checked whole, and its fault found wherever it stands', () => {
  const many = <T>(item: T): T[] => Array.from({ length: 200_000 }, () => item)
  const shapes: Record<string, unknown>[] = [
    { zeros: many(0) },
    { texts: many('') },
    { objects: many({}) },
    Object.fromEntries(many(0).map((_, index) => [`k${index}`, index])),
  ]
  for (const shape of shapes) {
    expect(jsonObjectSchema.safeParse(shape).success).toBe(true)
    expect(jsonObjectSchema.safeParse({ ...shape, last: '\ud800' }).success).toBe(false)
  }
  expect(contentSchema.safeParse(many('')).success).toBe(true)
  expect(contentSchema.safeParse([...many(''), 7]).error?.issues[0]?.path).toEqual([200_000])
})

test('P27 a key __proto__ is malformed and alters nothing', () => {
  const value: unknown = JSON.parse('{"deep":[{"__proto__":{"isAdmin":true}}]}')
  expect(jsonObjectSchema.safeParse(value).success).toBe(false)
  expect('isAdmin' in {}).toBe(false)
})

test.each([7, 'text', null, [], true, undefined])('P27 %j is no object', (value) => {
  expect(jsonObjectSchema.safeParse(value).success).toBe(false)
})

test('P28 a stranger reaches the schema of hello and no other', () => {
  expect(parseHelloLine('{"type":"hello","protocol":1,"token":"t"}')).toMatchObject({ ok: true, value: { token: 't' } })
  expect(parseHelloLine('{"type":"hello","protocol":1}')).toMatchObject({ ok: false, path: 'token' })
  for (const type of ['subscribe', 'presence', 'signal', 'refresh', 'ping', 'unsubscribe'])
    expect(parseHelloLine(JSON.stringify({ type, state: 7, nonsense: true }))).toEqual({
      ok: true,
      value: { type: 'early' },
    })
  expect(parseHelloLine('{"type":"dance"}')).toMatchObject({ ok: true, value: { type: 'ignored' } })
  expect(parseHelloLine('[]')).toMatchObject({ ok: false })
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

test('P41 ids of different kinds are different types, but a space is a being too', () => {
  expectTypeOf<SpaceId>().toExtend<BeingId>()
  expectTypeOf<BeingId>().not.toExtend<SpaceId>()
  expectTypeOf<MutationId>().not.toExtend<IntentionId>()
  expectTypeOf<Epoch>().not.toExtend<MutationId>()
  expectTypeOf<Mutation['id']>().toEqualTypeOf<MutationId>()
  expectTypeOf<Being['location']>().toEqualTypeOf<SpaceId | null>()
  // Text that no schema has seen is an id of whatever kind is asked for.
  expectTypeOf<string>().toExtend<SpaceId>()
})
