/**
 * Checks of what a peer sent, made of small functions: what a client loads in place of the schemas. A check hands back
 * the value as the schema would (unknown fields left out, uuids in lower case) or the first fault in it. Which schema
 * is made of which checks is printed (printed.ts); a test holds each against its schema, value by value.
 */
import { type Parsed, parseText } from '../codec.ts'
import { type Content, findContentFault } from '../content.ts'
import { findJsonFault, isJsonObject, isNotBlank, isStorable, type JsonObject, NOT_BLANK, UNSTORABLE } from '../json.ts'

/** What is wrong with a value, and where in it. */
export class Fault {
  readonly problem: string
  readonly path: readonly (string | number)[]
  constructor(problem: string, path: readonly (string | number)[] = []) {
    this.problem = problem
    this.path = path
  }

  below(key: string | number): Fault {
    return new Fault(this.problem, [key, ...this.path])
  }
}

export type Check<T> = (value: unknown) => T | Fault
/** What a check hands back. */
export type Checked<C> = C extends Check<infer T> ? Exclude<T, Fault> : never

type Shape = Readonly<Record<string, Check<unknown>>>
type OptionalKey<S extends Shape> = { [K in keyof S]: undefined extends Checked<S[K]> ? K : never }[keyof S]
type Fields<S extends Shape> = { [K in Exclude<keyof S, OptionalKey<S>>]: Checked<S[K]> } & {
  [K in OptionalKey<S>]?: Checked<S[K]>
}

const SHORT = 'is too short'
const LONG = 'is too long'

const fault = (problem: string): Fault => new Fault(problem)

export const string =
  (min = 0, max = Number.POSITIVE_INFINITY): Check<string> =>
  (value) => {
    if (typeof value !== 'string') return fault('must be text')
    return value.length < min ? fault(SHORT) : value.length > max ? fault(LONG) : value
  }

/** Text of another check that fits besides. */
export const where =
  (check: Check<string>, fits: (text: string) => boolean, problem: string): Check<string> =>
  (value) => {
    const text = check(value)
    return text instanceof Fault || fits(text) ? text : fault(problem)
  }

export const storable = (check: Check<string>): Check<string> => where(check, isStorable, UNSTORABLE)
export const notBlank = (check: Check<string>): Check<string> => where(check, isNotBlank, NOT_BLANK)
export const matching = (pattern: RegExp, problem: string): Check<string> =>
  where(string(), (text) => pattern.test(text), problem)

const UUID = /^(?:[\da-f]{8}-[\da-f]{4}-[1-8][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}|0{8}-(?:0{4}-){3}0{12})$/i
const MAX_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** A uuid, handed back in lower case. */
export const uuid: Check<string> = (value) =>
  typeof value === 'string' && (UUID.test(value) || value === MAX_UUID) ? value.toLowerCase() : fault('must be a uuid')

export const integer =
  (min = Number.MIN_SAFE_INTEGER): Check<number> =>
  (value) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return fault('must be a whole number')
    return value < min ? fault(`must be ${min} or more`) : value
  }

export const boolean: Check<boolean> = (value) => (typeof value === 'boolean' ? value : fault('must be true or false'))

export const oneOf =
  <const T extends string>(...words: readonly T[]): Check<T> =>
  (value) =>
    words.find((word) => word === value) ?? fault(`must be one of ${words.join(', ')}`)

export const optional =
  <T>(check: Check<T>): Check<T | undefined> =>
  (value) =>
    value === undefined ? undefined : check(value)

export const nullable =
  <T>(check: Check<T>): Check<T | null> =>
  (value) =>
    value === null ? null : check(value)

export const withDefault =
  <T>(check: Check<T>, standard: T): Check<T> =>
  (value) =>
    value === undefined ? standard : check(value)

export const array =
  <T>(check: Check<T>, min = 0, max = Number.POSITIVE_INFINITY): Check<T[]> =>
  (value) => {
    if (!Array.isArray(value)) return fault('must be a list')
    const items: T[] = []
    for (const [index, one] of value.entries()) {
      const item = check(one)
      if (item instanceof Fault) return item.below(index)
      items.push(item)
    }
    return items.length < min ? fault(SHORT) : items.length > max ? fault(LONG) : items
  }

/** An object of names that are not known beforehand. */
export const record =
  <T>(key: Check<string>, check: Check<T>): Check<Record<string, T>> =>
  (value) => {
    if (!isJsonObject(value)) return fault('must be an object')
    const entries: Record<string, T> = {}
    for (const name of Object.keys(value)) {
      if (name === '__proto__') continue
      const known = key(name)
      if (known instanceof Fault) return known.below(name)
      const entry = check(value[name])
      if (entry instanceof Fault) return entry.below(name)
      entries[known] = entry
    }
    return entries
  }

export const object =
  <const S extends Shape>(shape: S): Check<Fields<S>> =>
  (value) => {
    if (!isJsonObject(value)) return fault('must be an object')
    const fields: Record<string, unknown> = {}
    for (const name of Object.keys(shape)) {
      const field = shape[name]?.(value[name])
      if (field instanceof Fault) return field.below(name)
      if (field !== undefined || name in value) fields[name] = field
    }
    assertFields(shape, fields)
    return fields
  }

/** Says what the compiler cannot follow through the loop above: each field is what its check handed back. */
function assertFields<S extends Shape>(_shape: S, fields: object): asserts fields is Fields<S> {
  void fields
}

type Variants<F extends string, S extends Shape, Own extends Readonly<Record<string, Shape>>> = {
  readonly [Word in keyof Own]: Check<Fields<S & { readonly [K in F]: Check<Word> } & Own[Word]>>
}

/** Objects that are told apart by the word in one field: the check of each, by its word. All have what they share. */
export function variants<
  const F extends string,
  const S extends Shape,
  const Own extends Readonly<Record<string, Shape>>,
>(field: F, shared: S, own: Own): Variants<F, S, Own> {
  const checks: Record<string, Check<unknown>> = {}
  for (const [word, fields] of Object.entries(own))
    checks[word] = object({ [field]: oneOf(word), ...shared, ...fields })
  assertVariants(field, shared, own, checks)
  return checks
}

/** As above: for each word the check of its fields. */
function assertVariants<F extends string, S extends Shape, Own extends Readonly<Record<string, Shape>>>(
  _field: F,
  _shared: S,
  _own: Own,
  checks: object,
): asserts checks is Variants<F, S, Own> {
  void checks
}

/** One of several objects, told apart by the word in one field. */
export const union =
  <T>(field: string, options: Readonly<Record<string, Check<NoInfer<T>>>>): Check<T> =>
  (value) => {
    if (!isJsonObject(value)) return fault('must be an object')
    const word = value[field]
    const check = typeof word === 'string' && Object.hasOwn(options, word) ? options[word] : undefined
    return check === undefined ? new Fault('is not known', [field]) : check(value)
  }

const isStorableJson = (value: Record<string, unknown>): value is JsonObject => findJsonFault(value) === undefined
const isContent = (value: unknown): value is Content => findContentFault(value) === undefined

/** An object of free JSON, handed on as it is and not copied: what JSON parsed holds nothing but JSON. */
export const jsonObject: Check<JsonObject> = (value) => {
  if (!isJsonObject(value)) return fault('must be an object')
  return isStorableJson(value) ? value : fault(findJsonFault(value) ?? UNSTORABLE)
}

export const content: Check<Content> = (value) => {
  if (isContent(value)) return value
  const { problem = UNSTORABLE, path } = findContentFault(value) ?? {}
  return new Fault(problem, path)
}

/** Checks a value. */
export function checkValue<T>(check: Check<T>, value: unknown): Parsed<T> {
  const checked = check(value)
  if (!(checked instanceof Fault)) return { ok: true, value: checked }
  const { problem, path } = checked
  return path.length === 0 ? { ok: false, problem } : { ok: false, problem, path: path.join('.') }
}

/** Parses text as JSON and checks it. */
export function checkJson<T>(check: Check<T>, text: string): Parsed<T> {
  const json = parseText(text)
  return json.ok ? checkValue(check, json.value) : json
}
