/**
 * Values that a JSON schema allows, drawn by chance: what a well-behaved client would send, for mutate.ts to spoil.
 * Names of fields decide what stands in them where a schema says no more than "a string": ids that exist, a token, an
 * epoch.
 */
import type { Chance } from '../../simulation/chance.ts'

export interface JsonSchema {
  $ref?: string
  $defs?: Readonly<Record<string, JsonSchema>>
  type?: string | readonly string[]
  const?: unknown
  enum?: readonly unknown[]
  oneOf?: readonly JsonSchema[]
  anyOf?: readonly JsonSchema[]
  allOf?: readonly JsonSchema[]
  properties?: Readonly<Record<string, JsonSchema>>
  required?: readonly string[]
  additionalProperties?: JsonSchema | boolean
  items?: JsonSchema
  minItems?: number
  maxItems?: number
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
}

export type Draw = (chance: Chance) => unknown

/** What stands in fields of a name; undefined where any value of the schema will do. */
export type Known = (field: string, chance: Chance) => string | undefined

const MAX_DEPTH = 4
const MOST_ITEMS = 4
const WORDS = ['', 'a', 'typing', 'Ada Lovelace', 'ünïcödé', '💥', 'a longer text with some words in it', '0', 'null']

export class SchemaValues {
  readonly #root: JsonSchema
  readonly #known: Known
  readonly #optional: number
  #turn: number | undefined

  /** `optional` is how probable it is that a field stands there that need not. */
  constructor(root: JsonSchema, known: Known, optional = 0.5) {
    this.#root = root
    this.#known = known
    this.#optional = optional
  }

  /** So many draws that each alternative, wherever it stands in the schema, had its turn; with nothing left empty. */
  alternatives(schema: JsonSchema = this.#root): Draw[] {
    return Array.from({ length: this.#most(schema, 0) }, (_, turn) => (chance: Chance) => {
      this.#turn = turn
      try {
        return this.#value(schema, '', chance, 0)
      } finally {
        this.#turn = undefined
      }
    })
  }

  draw(schema: JsonSchema = this.#root, field = ''): Draw {
    return (chance) => this.#value(schema, field, chance, 0)
  }

  /** The largest number of alternatives at one place. */
  #most(given: JsonSchema, depth: number): number {
    if (depth > MAX_DEPTH) return 1
    const schema = this.#resolve(given)
    const alternatives = schema.oneOf ?? schema.anyOf ?? []
    const inside = [
      ...alternatives,
      ...Object.values(schema.properties ?? {}),
      ...(schema.items === undefined ? [] : [schema.items]),
    ]
    return Math.max(1, alternatives.length, ...inside.map((one) => this.#most(one, depth + 1)))
  }

  #resolve(schema: JsonSchema): JsonSchema {
    let resolved = schema
    while (resolved.$ref !== undefined) resolved = this.#lookUp(resolved.$ref)
    return resolved
  }

  #lookUp(ref: string): JsonSchema {
    let at: unknown = this.#root
    for (const name of ref
      .replace(/^#\/?/, '')
      .split('/')
      .filter((part) => part !== ''))
      at = typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined
    return isSchema(at) ? at : {}
  }

  #value(given: JsonSchema, field: string, chance: Chance, depth: number): unknown {
    const schema = this.#resolve(given)
    if (schema.const !== undefined) return schema.const
    if (schema.enum !== undefined) return chance.pick(schema.enum)
    const alternatives = schema.oneOf ?? schema.anyOf
    if (alternatives !== undefined) {
      const chosen = depth < MAX_DEPTH ? this.#choose(alternatives, chance) : alternatives[0]
      return this.#value(chosen ?? {}, field, chance, depth + 1)
    }
    if (schema.allOf !== undefined) return this.#value(merged(schema.allOf), field, chance, depth + 1)
    const type = typeof schema.type === 'string' ? schema.type : chance.pick(schema.type ?? ['any'])
    switch (type) {
      case 'object':
        return this.#object(schema, chance, depth)
      case 'array':
        return this.#array(schema, field, chance, depth)
      case 'string':
        return this.#known(field, chance) ?? text(schema, chance)
      case 'integer':
        return numberIn(schema, chance)
      case 'number':
        return numberIn(schema, chance) + (chance.happens(0.3) ? 0.5 : 0)
      case 'boolean':
        return chance.happens(0.5)
      case 'null':
        return null
      default:
        return anything(chance, depth)
    }
  }

  #choose(alternatives: readonly JsonSchema[], chance: Chance): JsonSchema | undefined {
    return this.#turn === undefined ? chance.pick(alternatives) : alternatives[this.#turn % alternatives.length]
  }

  #object(schema: JsonSchema, chance: Chance, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    for (const [name, property] of Object.entries(schema.properties ?? {}))
      if (schema.required?.includes(name) === true || chance.happens(this.#optional))
        object[name] = this.#value(property, name, chance, depth + 1)
    // An object of which nothing is said is free JSON.
    const more = schema.additionalProperties ?? (schema.properties === undefined ? {} : false)
    if (typeof more === 'object' && depth < MAX_DEPTH)
      for (let left = chance.int(0, 2); left > 0; left -= 1)
        object[chance.pick(WORDS) ?? ''] = this.#value(more, '', chance, depth + 1)
    return object
  }

  #array(
    { items = {}, minItems = 0, maxItems = MOST_ITEMS }: JsonSchema,
    field: string,
    chance: Chance,
    depth: number,
  ) {
    if (this.#turn !== undefined && depth < MAX_DEPTH) return [this.#value(items, field, chance, depth + 1)]
    const length =
      depth < MAX_DEPTH ? chance.int(minItems, Math.max(minItems, Math.min(maxItems, MOST_ITEMS))) : minItems
    return Array.from({ length }, () => this.#value(items, field, chance, depth + 1))
  }
}

const merged = (all: readonly JsonSchema[]): JsonSchema =>
  all.reduce((whole, part) => ({ ...whole, ...part, properties: { ...whole.properties, ...part.properties } }), {})

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null

function text({ format, pattern, minLength = 0, maxLength = 200 }: JsonSchema, chance: Chance): string {
  if (format === 'uuid') return chance.uuid()
  if (pattern?.startsWith('^@') === true) return `@fuzz-${chance.int(0, 30)}`
  const word = chance.pick(WORDS) ?? ''
  return word.slice(0, maxLength).padEnd(minLength, 'x')
}

function numberIn({ minimum = -1_000, maximum = 1_000 }: JsonSchema, chance: Chance): number {
  if (chance.happens(0.1)) return chance.pick([minimum, maximum]) ?? minimum
  return chance.int(Math.max(minimum, -1_000), Math.min(maximum, 1_000))
}

export function anything(chance: Chance, depth = 0): unknown {
  switch (chance.int(0, depth < MAX_DEPTH ? 6 : 4)) {
    case 0:
      return null
    case 1:
      return chance.happens(0.5)
    case 2:
      return chance.int(-10, 1_000_000)
    case 3:
    case 4:
      return chance.pick(WORDS)
    case 5:
      return Array.from({ length: chance.int(0, 3) }, () => anything(chance, depth + 1))
    default:
      return { [chance.pick(WORDS) ?? '']: anything(chance, depth + 1), type: 'a' }
  }
}
