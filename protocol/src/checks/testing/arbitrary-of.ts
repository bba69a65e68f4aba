/** Values that a schema accepts, and values that are nearly so: one thing in them is another, missing or added. */
import fc from 'fast-check'
import { z } from 'zod'
import { contentSchema } from '../../content-schema.ts'
import { jsonObjectSchema } from '../../json-schema.ts'

const slug = fc.stringMatching(/^@[a-z0-9][a-z0-9-]{0,12}$/)
const freeJson = fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
/** What is good nearly always, so that whole frames are. */
const mostly = <T>(good: fc.Arbitrary<T>, ...others: fc.Arbitrary<T>[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 60, arbitrary: good }, ...others.map((arbitrary) => ({ weight: 1, arbitrary })))
const node = mostly<unknown>(
  fc.oneof(fc.string(), fc.record({ type: fc.constantFrom('code', 'image'), text: fc.string() })),
  fc.record({ type: fc.constant('') }),
  freeJson,
)
const uuid = mostly(
  fc.uuid({ version: [1, 4, 7, 8] }),
  fc.uuid({ version: 7 }).map((text) => text.toUpperCase()),
  fc.constantFrom('00000000-0000-0000-0000-000000000000', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'),
)

export function arbitraryOf(schema: unknown): fc.Arbitrary<unknown> {
  if (!(schema instanceof z.ZodType)) throw new Error('not a schema')
  if (schema.def === jsonObjectSchema.def) return freeJson
  if (schema.def === contentSchema.def) return fc.array(node, { maxLength: 4 })
  if (schema instanceof z.ZodUUID) return uuid
  if (schema instanceof z.ZodString) return textOf(schema)
  if (schema instanceof z.ZodNumber)
    return mostly(
      fc.nat().map((n) => n + 1),
      fc.integer(),
      fc.constantFrom(0, -1, 1, 2 ** 53 - 1, 2 ** 53, 1.5),
    )
  if (schema instanceof z.ZodBoolean) return fc.boolean()
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...schema.options)
  if (schema instanceof z.ZodLiteral) return fc.constantFrom(...schema.values)
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return fc.option(arbitraryOf(schema.def.innerType), { nil: undefined })
  if (schema instanceof z.ZodNullable) return fc.option(arbitraryOf(schema.def.innerType))
  if (schema instanceof z.ZodArray) return fc.array(arbitraryOf(schema.element), { maxLength: 3 })
  if (schema instanceof z.ZodRecord)
    return fc.dictionary(stringsOf(schema.keyType), arbitraryOf(schema.valueType), { maxKeys: 3 })
  if (schema instanceof z.ZodDiscriminatedUnion) return fc.oneof(...schema.options.map(arbitraryOf))
  if (schema instanceof z.ZodObject) return objectOf(schema)
  throw new Error(`no values are made for ${schema.def.type}`)
}

function textOf(schema: z.ZodString): fc.Arbitrary<string> {
  const bounds = [schema.minLength ?? 0, schema.maxLength ?? 20].flatMap((length) => [length - 1, length, length + 1])
  const around = bounds.filter((length) => length >= 0 && length < 1_000).map((length) => 'x'.repeat(length))
  return mostly(slug, fc.string(), fc.constantFrom(' ', '\u0000', '\ud800', '@ada\n', ...around))
}

const stringsOf = (schema: unknown): fc.Arbitrary<string> =>
  schema instanceof z.ZodString ? mostly(slug, fc.constantFrom('__proto__', 'no slug')) : fc.string()

/** Its fields, now and then without one, and with one that nobody knows. */
function objectOf(schema: z.ZodObject): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(schema.shape).map(([name, field]) => [name, arbitraryOf(field)]))
  const unknownField = fc.option(fc.record({ newer: fc.jsonValue({ maxDepth: 1 }) }), { nil: {}, freq: 3 })
  return fc.tuple(fc.record(fields), unknownField).map(([known, unknown]) => ({ ...known, ...unknown }))
}

const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(undefined, null, [], {}, '', 'no such word', Number.NaN, Infinity, '__proto__', 'constructor'),
)

/** The same value with one thing in it, at any depth, replaced or gone. */
export function spoilt(value: unknown): fc.Arbitrary<unknown> {
  const paths = pathsIn(value)
  return fc
    .tuple(fc.constantFrom(...paths), junk, fc.boolean())
    .map(([path, other, isGone]) => replaced(value, path, isGone ? GONE : other))
}

type Path = readonly string[]
const GONE = Symbol('gone')

const pathsIn = (value: unknown): Path[] => [
  [],
  ...(typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => pathsIn(inner).map((path) => [key, ...path]))
    : []),
]

function replaced(value: unknown, [key, ...rest]: Path, other: unknown): unknown {
  if (key === undefined) return other === GONE ? undefined : other
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([name, inner]) => {
    const next: unknown =
      name === key ? (rest.length === 0 && other === GONE ? GONE : replaced(inner, rest, other)) : inner
    return next === GONE ? [] : [[name, next] as const]
  })
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries)
}
