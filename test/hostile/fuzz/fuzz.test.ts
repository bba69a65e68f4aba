import { clientFrameSchema, parseClientMessage, postMutationsBodySchema } from '@rhizom/protocol'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Chance } from '../../simulation/chance.ts'
import { type Episode, episodeOf, grammarOf, KINDS } from './episode.ts'
import { type JsonSchema, SchemaValues } from './json-schema.ts'
import { spoil } from './mutate.ts'
import { nested, placesOf, withoutKeyAt, withTextAt, withValueAt } from './places.ts'
import { describeEpisode, leaveOut, shrinkEpisode } from './shrink.ts'

const seeds = Array.from({ length: 400 }, (_, index) => index)
const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema

test.each([
  ['frames', clientFrameSchema],
  ['mutations', postMutationsBodySchema],
])('H13 %s that are drawn from their schema are mostly such as it allows', (_what, schema) => {
  const draw = new SchemaValues(jsonSchemaOf(schema), () => undefined).draw()
  const right = seeds.filter((seed) => schema.safeParse(draw(new Chance(seed, 'draw'))).success)
  // JSON Schema does not say all that the schema asks for.
  expect(right.length).toBeGreaterThan(seeds.length / 3)
})

test('H13 every alternative has its turn', () => {
  const values = new SchemaValues(jsonSchemaOf(postMutationsBodySchema), () => undefined, 1)
  const drawn = values.alternatives().map((draw) => JSON.stringify(draw(new Chance(1, 'turn'))))
  for (const name of ['space.create', 'being.update', 'intention.append', 'member.remove'])
    expect(drawn.some((text) => text.includes(`"name":"${name}"`))).toBe(true)
})

test('H13 what is spoilt differs in each way that has a name', () => {
  const frame = { type: 'signal', space: '@a', name: 'typing', data: { a: 1 } }
  const ways = new Set(Array.from({ length: 6_000 }, (_, seed) => spoil(frame, new Chance(seed, 'spoil')).ways).flat())
  for (const way of [
    'another type',
    'a field missing',
    'a prototype name',
    'deep',
    'a raw number',
    'a key twice',
    'cut',
    'raw bytes',
    'twice',
  ])
    expect(ways).toContain(way)
})

test('H13 each kind of episode is played', () => {
  const grammar = grammarOf([
    { method: 'GET', path: '/v1/x/{id}', parameters: [], body: undefined, answers: new Map(), document: { $defs: {} } },
  ])
  const kinds = new Set(seeds.map((seed) => episodeOf(seed, grammar).kind))
  expect([...kinds].sort()).toEqual([...KINDS].sort())
})

test('H6 depth is built as text, at any place', () => {
  expect(nested(3)).toBe('[[[]]]')
  expect(nested(2, 'objects')).toBe('{"a":{"a":1}}')
  expect(nested(4, 'both')).toBe('[{"a":[{"a":1}]}]')
  const value = { a: [1, { b: 2 }] }
  expect(placesOf(value).map(({ path }) => path.join('.'))).toEqual(['', 'a', 'a.0', 'a.1', 'a.1.b'])
  expect(withTextAt(value, ['a', 1, 'b'], '[[')).toBe('{"a":[1,{"b":[[}]}')
  expect(withValueAt(value, ['a', 0], null)).toEqual({ a: [null, { b: 2 }] })
  expect(withoutKeyAt(value, ['a', 1, 'b'])).toEqual({ a: [1, {}] })
  const deep = withTextAt({ type: 'presence', space: '@a', state: 1 }, ['state'], nested(32_000))
  expect(parseClientMessage(deep)).toMatchObject([{ ok: false }])
})

test('H21 what fails is made as small as it can be', async () => {
  expect(await leaveOut([1, 2, 3, 4, 5, 6, 7, 8], async (some) => some.includes(3) && some.includes(7), 100)).toEqual([
    3, 7,
  ])
  const step = (text: string) => ({ text, encoding: 'utf8' as const, ways: ['as it is'] })
  const episode: Episode = {
    seed: 9,
    kind: 'after hello',
    node: 1,
    steps: [step('one'), step('two poison three'), step('four')],
  }
  const fails = async ({ steps }: Episode): Promise<boolean> => steps.some(({ text }) => text.includes('poison'))
  const small = await shrinkEpisode(episode, fails, { most: 200, isQuick: false })
  expect(small.steps.map(({ text }) => text)).toEqual(['poison'])
  expect(await shrinkEpisode(episode, fails, { most: 200, isQuick: true })).toEqual(small)
  expect(describeEpisode(small)).toBe('seed 9: after hello, node 1, 1 steps\n  "poison"   [as it is]')
})
