/**
 * The settings of a process as a table: for each variable a schema, a meaning and a default. `main` parses it once, the
 * README prints it. A bad value is named by its variable and never shown: it may be a secret.
 */
import {
  DEFAULT_REDIS_PREFIX,
  LIMITS,
  type SharedSecret,
  type SharedSecrets,
  weakSecretProblem,
  weakSecrets,
} from '@rhizom/protocol'
import { z } from 'zod'

export interface Setting<Value = unknown> {
  schema: z.ZodType<Value, string>
  description: string
  /** As one would write it in the environment. Without one the variable is required. */
  default?: string
  /** The variable that can be given instead of this one; then it may be left out. */
  instead?: string
}

export type SettingsTable = Readonly<Record<string, Setting>> & {
  readonly [Secret in SharedSecret]: Setting<SharedSecrets[Secret]>
} & { readonly ALLOW_WEAK_SECRETS: Setting<boolean>; readonly LOG_LEVEL: Setting<LogLevel> }

export type ConfigOf<Table extends SettingsTable> = { [Name in keyof Table]: z.output<Table[Name]['schema']> }
/** What every process has, whatever else is in its table. */
export type CommonConfig = Readonly<SharedSecrets> & { ALLOW_WEAK_SECRETS: boolean; LOG_LEVEL: LogLevel }
export type ParsedSettings<Value> = { ok: true; config: Value } | { ok: false; problem: string }
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>

export const setting = <Value>(
  schema: z.ZodType<Value, string>,
  description: string,
  standard?: string,
): Setting<Value> => (standard === undefined ? { schema, description } : { schema, description, default: standard })

export const whole = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))

/** What counts as not set when it is empty. */
export const orNothing = <Value>(schema: z.ZodType<Value, string>) =>
  z.union([z.literal('').transform(() => undefined), schema])

const isUrl = (value: string, protocols: readonly string[]): boolean =>
  URL.canParse(value) && protocols.includes(new URL(value).protocol)

export const url = (...protocols: string[]) =>
  z.string().refine((value) => isUrl(value, protocols), {
    message: `must be a url that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  })

const list = z.string().transform((items) =>
  items
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

export const httpUrls = list
  .pipe(z.array(z.string().refine((one) => isUrl(one, ['http:', 'https:']), 'must be http or https urls')).min(1))
  .transform((all) => all.map((one) => one.replace(/\/+$/, '')))

const noBlanks = z.string().regex(/^\S*$/, 'must not hold blanks')
const secretList = list.pipe(z.array(noBlanks))

/** No braces, which say to a cluster what belongs together, and nothing that a pattern would take for a sign. */
const redisPrefix = z.string().regex(/^[\w.:/-]{1,64}$/, 'must be up to 64 letters, digits or signs of _ . : / -')

const isOrigin = (origin: string): boolean =>
  origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)

const origins = list.pipe(
  z.array(z.string().refine(isOrigin, 'must be a comma-separated list of origins like https://example.org, or *')),
)

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** What is the same in every server process. The table of each says in which order it is printed. */
export const common = {
  PORT: (standard: string) => setting(whole(0, 65_535), 'Port to listen on; 0 takes a free one', standard),
  HOST: setting(z.string().min(1), 'Address to listen on', '127.0.0.1'),
  INTERNAL_PORT: (paths: string) =>
    setting(
      orNothing(whole(0, 65_535)),
      `Port for ${paths}, which no stranger is to reach; when empty, that of PORT and 1000; 0 takes a free one`,
      '',
    ),
  INTERNAL_HOST: setting(orNothing(z.string().min(1)), 'Address of INTERNAL_PORT; when empty, that of HOST', ''),
  REDIS_URL: (description: string) => setting(url('redis:', 'rediss:'), description),
  REDIS_PREFIX: setting(
    redisPrefix,
    'What all keys and channels in Redis begin with; another one for each installation that shares a Redis',
    DEFAULT_REDIS_PREFIX,
  ),
  TOKEN_SECRET: (verb: string, instead: string) => ({
    ...setting(
      z.string(),
      `${verb} sessions; the same on every node, 32 characters or more. What keys are not given are made from it`,
    ),
    instead,
  }),
  INTERNAL_TOKEN: (description: string) => ({
    ...setting(noBlanks, `${description}; 16 characters or more`),
    instead: 'INTERNAL_TOKENS',
  }),
  INTERNAL_TOKENS: setting(
    secretList,
    'Instead of `INTERNAL_TOKEN`, several by commas, while one is replaced: the first is shown, all are accepted',
    '',
  ),
  BUS_KEYS: setting(
    secretList,
    'What signs the messages over Redis, the same on every node, 32 characters or more; several by commas, of which the first signs and all verify. When empty, made from the internal tokens',
    '',
  ),
  ALLOW_WEAK_SECRETS: setting(
    z.enum(['0', '1']).transform((value) => value === '1'),
    '1 lets short, patterned and published secrets pass, which end the process otherwise; for tests',
    '0',
  ),
  LOG_LEVEL: setting(z.enum(LOG_LEVELS), 'What is logged', 'info'),
  ALLOWED_ORIGINS: (verb: string, same: string) =>
    setting(
      origins,
      `Origins of pages that may ${verb}, separated by commas, or *; when empty, only pages of the same ${same} may`,
      '',
    ),
  TRUST_PROXY: setting(
    whole(0, 10),
    'How many proxies of ours are in front, whose X-Forwarded-For tells the address of a client; 0 trusts none',
    '0',
  ),
  PRESENCE_LIST_LIMIT: (who: string) =>
    setting(
      whole(1, LIMITS.maxHereListed),
      `Beings that are listed as here; beyond it ${who} get a count and a sample`,
      `${LIMITS.maxHereListed}`,
    ),
  MAX_SIGNAL_BYTES: setting(whole(1), 'Bytes of the data of a signal', `${LIMITS.maxSignalBytes}`),
}

/** Reads the settings from an environment. An empty value counts as none. */
export function parseSettings<Table extends SettingsTable>(
  table: Table,
  env: EnvironmentVariables,
): ParsedSettings<ConfigOf<Table> & CommonConfig> {
  const values: Record<string, unknown> = {}
  const isGiven = (name: string): boolean => env[name] !== undefined && env[name] !== ''
  for (const [name, { schema, description, default: standard, instead }] of Object.entries<Setting>(table)) {
    const isLeftOut = instead !== undefined && isGiven(instead)
    const text = isGiven(name) ? env[name] : isLeftOut ? '' : standard
    if (text === undefined) return { ok: false, problem: `${name} is required: ${description}` }
    const parsed = schema.safeParse(text)
    if (!parsed.success)
      return { ok: false, problem: `${name} is not valid: ${parsed.error.issues[0]?.message ?? 'not understood'}` }
    values[name] = parsed.data
  }
  if (!isWhole(table, values)) throw new Error('a setting was left out')
  const [weak] = weakSecrets(values)
  if (weak !== undefined && !values.ALLOW_WEAK_SECRETS) return { ok: false, problem: weakSecretProblem(weak) }
  return { ok: true, config: values }
}

/** Each value came out of the schema of its name, so having all names is being a config. */
const isWhole = <Table extends SettingsTable>(table: Table, values: object): values is ConfigOf<Table> & CommonConfig =>
  Object.keys(table).every((name) => name in values)
