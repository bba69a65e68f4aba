/**
 * Prints the checks of those schemas that a client needs (src/checks/printed.ts). A schema made of something that has
 * no check is an error here, so that none is printed weaker than it is.
 */
import { z } from 'zod'
import * as change from '../src/change.ts'
import * as clientFrame from '../src/client-frame.ts'
import { contentSchema } from '../src/content-schema.ts'
import * as entity from '../src/entity.ts'
import * as http from '../src/http.ts'
import * as id from '../src/id.ts'
import * as invite from '../src/invite.ts'
import { jsonObjectSchema } from '../src/json-schema.ts'
import { isNotBlank, isStorable } from '../src/json.ts'
import * as mutation from '../src/mutation.ts'
import * as news from '../src/news.ts'
import * as position from '../src/position.ts'
import * as problemSchema from '../src/problem-schema.ts'
import * as serverFrame from '../src/server-frame.ts'

interface Source {
  file: string
  schemas: Readonly<Record<string, unknown>>
  names: readonly string[]
}

/** What others are made of comes first. */
const SOURCES: readonly Source[] = [
  { file: 'id', schemas: id, names: ['beingId', 'spaceId', 'intentionId', 'mutationId', 'inviteId'] },
  { file: 'position', schemas: position, names: ['version'] },
  {
    file: 'entity',
    schemas: entity,
    names: ['timeMs', 'name', 'visibility', 'role', 'space', 'being', 'intention', 'member', 'presenceState', 'here'],
  },
  { file: 'change', schemas: change, names: ['change'] },
  { file: 'mutation', schemas: mutation, names: ['mutation', 'mutationResult', 'postMutationsAnswer'] },
  {
    file: 'http',
    schemas: http,
    names: [
      'postSessionAnswer',
      'signInAnswer',
      'currentSessionAnswer',
      'refreshSessionAnswer',
      'listSpacesAnswer',
      'snapshot',
      'intentionsAnswer',
      'beingsAnswer',
      'workAnswer',
    ],
  },
  { file: 'invite', schemas: invite, names: ['postInviteAnswer', 'listInvitesAnswer', 'acceptInviteAnswer'] },
  { file: 'problem-schema', schemas: problemSchema, names: ['problem'] },
  { file: 'news', schemas: news, names: ['news', 'newsAnswer', 'putReadAnswer'] },
  { file: 'server-frame', schemas: serverFrame, names: ['serverFrame'] },
  { file: 'client-frame', schemas: clientFrame, names: ['signalFrame'] },
]

/** Each schema that is printed, by its name without `Schema`. */
export const PRINTED: ReadonlyMap<string, z.ZodType> = new Map(
  SOURCES.flatMap(({ schemas, names }) => names.map((name) => [name, schemaIn(schemas, name)] as const)),
)

function schemaIn(schemas: Source['schemas'], name: string): z.ZodType {
  const schema = schemas[`${name}Schema`]
  if (!(schema instanceof z.ZodType)) throw new Error(`there is no ${name}Schema`)
  return schema
}

const camelCase = (file: string): string => file.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

/** The text of printed.ts. */
export function printChecks(): string {
  const printer = new Printer()
  const checks = SOURCES.flatMap(({ file, names, schemas }) =>
    names.map((name) => printer.declare(camelCase(file), name, schemaIn(schemas, name))),
  )
  return [
    '/** Printed from the schemas by `node protocol/print/print.ts`; a test keeps the two equal. */',
    '/* oxlint-disable max-lines -- nobody reads it line by line */',
    "import type { z } from 'zod'",
    ...SOURCES.map(({ file }) => `import type * as ${camelCase(file)} from '../${file}.ts'`),
    `import {\n${[...printer.used]
      .sort()
      .map((name) => `  ${name},\n`)
      .join('')}} from './check.ts'`,
    '',
    ...checks,
  ].join('\n')
}

class Printer {
  /** The checks of check.ts that are used. */
  readonly used = new Set<string>(['type Check'])
  /** What was declared, by what zod keeps of it, which a schema shares with those that only describe it otherwise. */
  readonly #declared = new Map<unknown, string>()

  declare(file: string, name: string, schema: z.ZodType): string {
    const isUnion = schema instanceof z.ZodDiscriminatedUnion
    const body = isUnion ? this.#call('union', word(schema.def.discriminator), `${name}Options`) : this.#print(schema)
    const options = isUnion ? `export const ${name}Options = ${this.#options(schema)}\n` : ''
    // What is one word is as short without a name.
    if (/^\w+$/.test(body)) return this.#export(file, name, body)
    // Kinds of ids are types of their own; what they have in common is text to the others.
    if (file === 'id') {
      this.#declared.set(schema.def, name)
      return `const ${name}: Check<string> = ${body}\n\n${this.#export(file, name, name)}`
    }
    this.#declared.set(schema.def, `${name}Check`)
    return `${options}${this.#export(file, name, body)}`
  }

  #export(file: string, name: string, body: string): string {
    return `export const ${name}Check: Check<z.infer<typeof ${file}.${name}Schema>> = ${body}\n`
  }

  /** What all options have in common stands once. */
  #options(schema: z.ZodDiscriminatedUnion): string {
    const field = word(schema.def.discriminator)
    const options = schema.options.map((option) => {
      if (!(option instanceof z.ZodObject)) throw new Error('an option is no object')
      const { [schema.def.discriminator]: own, ...rest } = option.shape
      if (!(own instanceof z.ZodLiteral)) throw new Error('an option has no word of its own')
      return { word: word(own.value), fields: this.#fields(option, rest) }
    })
    const [first, ...others] = options.map(({ fields }) => fields)
    const shared = new Set(first?.filter((text) => others.every((fields) => fields.includes(text))))
    const own = options.map(
      (option) => `${option.word}: ${inBraces(option.fields.filter((text) => !shared.has(text)))},\n`,
    )
    return this.#call('variants', field, inBraces([...shared]), `{\n${own.join('')}}`)
  }

  #fields({ def }: z.ZodObject, shape: Readonly<Record<string, unknown>>): string[] {
    if ((def.checks ?? []).length > 0) throw new Error('there is no check for an object that is refined')
    return Object.entries(shape).map(([name, field]) => `${name}: ${this.#print(field)}`)
  }

  #print(schema: unknown): string {
    if (!(schema instanceof z.ZodType)) throw new Error('not a schema')
    return this.#declared.get(schema.def) ?? this.#expression(schema)
  }

  #call(name: string, ...args: readonly string[]): string {
    this.used.add(name)
    return `${name}(${args.join(', ')})`
  }

  #expression(schema: z.ZodType): string {
    if (schema.def === jsonObjectSchema.def) return this.#constant('jsonObject')
    if (schema.def === contentSchema.def) return this.#constant('content')
    if (schema instanceof z.ZodUUID) return this.#constant('uuid')
    if (schema instanceof z.ZodString) return this.#string(schema)
    if (schema instanceof z.ZodNumber) return this.#integer(schema)
    if (schema instanceof z.ZodBoolean) return this.#constant('boolean')
    if (schema instanceof z.ZodEnum) return this.#call('oneOf', ...schema.options.map(word))
    if (schema instanceof z.ZodLiteral) return this.#call('oneOf', ...[...schema.values].map(word))
    if (schema instanceof z.ZodOptional) return this.#call('optional', this.#print(schema.def.innerType))
    if (schema instanceof z.ZodNullable) return this.#call('nullable', this.#print(schema.def.innerType))
    if (schema instanceof z.ZodDefault)
      return this.#call('withDefault', this.#print(schema.def.innerType), word(schema.def.defaultValue))
    if (schema instanceof z.ZodArray) return this.#array(schema)
    if (schema instanceof z.ZodRecord)
      return this.#call('record', this.#print(schema.keyType), this.#print(schema.valueType))
    if (schema instanceof z.ZodObject) return this.#call('object', inBraces(this.#fields(schema, schema.shape)))
    throw new Error(`there is no check for ${schema.def.type}`)
  }

  #constant(name: string): string {
    this.used.add(name)
    return name
  }

  #string(schema: z.ZodString): string {
    const { minimum, maximum, rest } = boundsOf(schema)
    let text = this.#call('string', ...argumentsOf(minimum, maximum))
    for (const check of rest) {
      const { format, pattern, fn } = check
      if (format === 'regex' && pattern instanceof RegExp)
        text = this.#call('matching', String(pattern), messageOf(schema))
      else if (fn === isStorable) text = this.#call('storable', text)
      else if (fn === isNotBlank) text = this.#call('notBlank', text)
      else throw new Error(`there is no check for ${String(check['check'])}`)
    }
    return text
  }

  #integer(schema: z.ZodNumber): string {
    if (schema.format !== 'safeint') throw new Error('there is no check for numbers that are not whole')
    const checks = (schema.def.checks ?? []).map(defOf)
    const least = checks.map(({ check, value, inclusive }) => {
      if (check !== 'greater_than' || typeof value !== 'number')
        throw new Error(`there is no check for ${String(check)}`)
      return inclusive === true ? value : value + 1
    })
    return this.#call('integer', ...(least.length === 0 ? [] : [String(Math.max(...least))]))
  }

  #array(schema: z.ZodArray): string {
    const { minimum, maximum, rest } = boundsOf(schema)
    if (rest.length > 0) throw new Error('there is no check for a list that is refined')
    return this.#call('array', this.#print(schema.element), ...argumentsOf(minimum, maximum))
  }
}

const inBraces = (fields: readonly string[]): string => (fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`)

/** What zod keeps of a check, as far as it is read here. */
type CheckDef = Readonly<Record<string, unknown>>

const checkSchema = z.object({ _zod: z.object({ def: z.record(z.string(), z.unknown()) }) })
// oxlint-disable-next-line no-underscore-dangle -- the name is zod's
const defOf = (check: unknown): CheckDef => checkSchema.parse(check)._zod.def

function boundsOf({ def }: z.ZodString | z.ZodArray): { minimum: number; maximum: number; rest: CheckDef[] } {
  const checks = (def.checks ?? []).map(defOf)
  const numbers = (name: string): number[] =>
    checks.map((check) => check[name]).filter((bound) => typeof bound === 'number')
  return {
    minimum: Math.max(0, ...numbers('minimum')),
    maximum: Math.min(Number.MAX_SAFE_INTEGER, ...numbers('maximum')),
    rest: checks.filter(({ check }) => check !== 'min_length' && check !== 'max_length'),
  }
}

/** As arguments, those left out that are the defaults of check.ts. */
function argumentsOf(minimum: number, maximum: number): string[] {
  if (maximum < Number.MAX_SAFE_INTEGER) return [String(minimum), String(maximum)]
  return minimum > 0 ? [String(minimum)] : []
}

function word(value: unknown): string {
  if (typeof value !== 'string') throw new Error('there is no check for what is no word')
  return `'${value}'`
}

/** What is said of a text that does not match. */
const messageOf = (schema: z.ZodString): string => word(schema.safeParse('\n').error?.issues[0]?.message)
