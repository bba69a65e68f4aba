import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { encodeNewsMessage, parseNewsMessage } from './bus.ts'
import { parseClientLine } from './client-frame.ts'
import { internalNewsAnswerSchema, internalNewsBodySchema, NEWS_QUESTION } from './internal.ts'
import { newsAnswerSchema, putReadAnswerSchema, putReadBodySchema } from './news.ts'
import { newsFrameSchema, parseServerLine } from './server-frame.ts'

const recorded = z
  .record(z.string(), z.unknown())
  .parse(JSON.parse(readFileSync(new URL('../fixtures/v1-reading.json', import.meta.url), 'utf8')))

test.each<[string, z.ZodType]>([
  ['putRead', putReadBodySchema],
  ['putReadAnswer', putReadAnswerSchema],
  ['news', newsAnswerSchema],
  ['question', internalNewsBodySchema],
  ['answer', internalNewsAnswerSchema],
  ['frames', z.array(newsFrameSchema)],
])('P15 the recorded %s of reading still parses, with all that it holds', (name, schema) => {
  expect(schema.parse(recorded[name])).toEqual(recorded[name])
})

test.each([{}, { version: -1 }, { version: 1.5 }, { version: '3' }, { version: null }, []])(
  'P90 %j is no version to have read up to',
  (body) => {
    expect(putReadBodySchema.safeParse(body).success).toBe(false)
  },
)

test('P91 follow has no fields of its own; news gives counts by space, and null where a space is lost', () => {
  expect(parseClientLine('{"type":"follow","since":3}')).toEqual({ ok: true, value: { type: 'follow' } })
  const news = { version: 43, unread: 2, mentions: 0 }
  const frame = { type: 'news', spaces: { '@lobby': news, '@attic': null } }
  expect(parseServerLine(JSON.stringify(frame))).toEqual({ ok: true, value: frame })
  for (const spaces of [undefined, [], { lobby: news }, { '@a': {} }, { '@a': { ...news, unread: -1 } }, { '@a': 3 }])
    expect(parseServerLine(JSON.stringify({ ...frame, spaces }))).toMatchObject({ ok: false })
})

test('P92 a gateway asks about a bounded number of beings at once', () => {
  const beings = (count: number) => Array.from({ length: count }, (_, index) => `@b${index}`)
  const { maxBeings, maxPairs } = NEWS_QUESTION
  const isGood = (all: number, some: readonly number[]) =>
    internalNewsBodySchema.safeParse({
      all: beings(all),
      some: Object.fromEntries(some.map((count, index) => [`@s${index}`, beings(count)])),
    }).success
  expect([isGood(maxBeings, [maxPairs]), isGood(0, [maxPairs / 2, maxPairs / 2]), isGood(0, [])]).toEqual([
    true,
    true,
    true,
  ])
  expect([isGood(maxBeings + 1, []), isGood(0, [maxPairs, 1]), isGood(0, [maxPairs * 50])]).toEqual([
    false,
    false,
    false,
  ])
})

test('P93 the message of news names beings by space; fields of a later release are ignored, the malformed is refused', () => {
  const spaces = { '@lobby': ['@ada', '@bob'] }
  expect(parseNewsMessage(JSON.stringify(recorded['message']))).toEqual({ ok: true, value: spaces })
  expect(parseNewsMessage(encodeNewsMessage(spaces))).toEqual({ ok: true, value: spaces })
  expect(parseNewsMessage(JSON.stringify({ spaces, why: 'x' }))).toEqual({ ok: true, value: spaces })
  for (const message of ['', '{}', '[]', '{"spaces":["@a"]}', '{"spaces":{"@a":"@b"}}', '{"spaces":{"a":["@b"]}}'])
    expect(parseNewsMessage(message).ok).toBe(false)
})
