/**
 * The settings of the local system: one table, parsed once by start.ts. Everything else in the environment is passed on
 * to the parts, so that a limit of the gateway, for example, can be tried with `MAX_CONNECTIONS_PER_ADDRESS=5 npm
 * start`.
 */
import { z } from 'zod'
import { urlFor } from './addresses.ts'

const port = z.coerce.number().int().min(0).max(65_535)
const count = z.coerce.number().int().min(1).max(16)
const text = z.string().min(1)
const host = text.refine((name) => URL.canParse(urlFor(name, 1)), 'must be an address or a name of this machine')
const url = (protocol: RegExp, example: string) => z.url({ protocol, error: `must look like ${example}` }).optional()

interface Setting {
  schema: z.ZodType
  description: string
  /** As one would write it in the environment. */
  default?: string
}

export const settings = {
  DATABASE_URL: {
    schema: url(/^postgres(ql)?$/, 'postgres://user:password@host:5432/name'),
    description: 'A Postgres to use instead of one of its own',
  },
  REDIS_URL: {
    schema: url(/^rediss?$/, 'redis://host:6379'),
    description: 'A Redis to use instead of one of its own',
  },
  HOST: {
    schema: host,
    description: 'The address that web, api and gateways listen on; 0.0.0.0 for all of this machine',
    default: '127.0.0.1',
  },
  RHIZOM_LOCAL_DIR: {
    schema: text,
    description: 'Where data, logs, secrets and run.json are kept, closed to other users',
    default: '.local',
  },
  RHIZOM_APIS: { schema: count, description: 'How many api nodes run', default: '1' },
  RHIZOM_GATEWAYS: { schema: count, description: 'How many gateways run', default: '2' },
  RHIZOM_WEB_PORT: {
    schema: port,
    description: 'The port of the page; the next free one if it is taken, any free one for 0',
    default: '5173',
  },
  RHIZOM_API_PORT: { schema: port, description: 'The port of the first api node, likewise', default: '7001' },
  RHIZOM_GATEWAY_PORT: { schema: port, description: 'The port of the first gateway, likewise', default: '7101' },
  RHIZOM_POSTGRES_PORT: { schema: port, description: 'The port of its own Postgres, likewise', default: '7432' },
  RHIZOM_REDIS_PORT: { schema: port, description: 'The port of its own Redis, likewise', default: '7379' },
  RHIZOM_GUIDE_PORT: {
    schema: port,
    description: 'The port on which the guide says how it is, likewise',
    default: '7201',
  },
} as const satisfies Record<string, Setting>

const schema = z.object({
  DATABASE_URL: settings.DATABASE_URL.schema,
  REDIS_URL: settings.REDIS_URL.schema,
  HOST: settings.HOST.schema,
  RHIZOM_LOCAL_DIR: settings.RHIZOM_LOCAL_DIR.schema,
  RHIZOM_APIS: settings.RHIZOM_APIS.schema,
  RHIZOM_GATEWAYS: settings.RHIZOM_GATEWAYS.schema,
  RHIZOM_WEB_PORT: settings.RHIZOM_WEB_PORT.schema,
  RHIZOM_API_PORT: settings.RHIZOM_API_PORT.schema,
  RHIZOM_GATEWAY_PORT: settings.RHIZOM_GATEWAY_PORT.schema,
  RHIZOM_POSTGRES_PORT: settings.RHIZOM_POSTGRES_PORT.schema,
  RHIZOM_REDIS_PORT: settings.RHIZOM_REDIS_PORT.schema,
  RHIZOM_GUIDE_PORT: settings.RHIZOM_GUIDE_PORT.schema,
})
export type LocalSettings = z.infer<typeof schema>

const defaults = Object.fromEntries(
  Object.entries(settings).flatMap(([name, setting]) => ('default' in setting ? [[name, setting.default]] : [])),
)

type Parsed<T> = { ok: true; value: T } | { ok: false; problem: string }

/** An empty variable counts as not set. A problem names the variable and never its value, which may hold a password. */
export function parseSettings(environment: NodeJS.ProcessEnv): Parsed<LocalSettings> {
  const given = Object.entries(environment).filter(([, value]) => value !== '')
  const parsed = schema.safeParse({ ...defaults, ...Object.fromEntries(given) })
  if (parsed.success) return { ok: true, value: parsed.data }
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  return { ok: false, problem: problems.join('\n') }
}

export interface Flags {
  fresh: boolean
  withParent: boolean
  /** The page from its sources, with hot reloading, instead of the built one. */
  dev: boolean
  help: boolean
}

export const USAGE = `npm start [-- --fresh] [-- --with-parent], or with hot reloading: npm run dev
  --fresh         forget the data, the secrets and the logs of earlier runs first
  --with-parent   stop when the process that started this one is gone, whatever it is
  --dev           serve the page from its sources, with hot reloading (what npm run dev does)
  --help          this text`

export function parseFlags(args: readonly string[]): Parsed<Flags> {
  const known = ['--fresh', '--with-parent', '--dev', '--help']
  const unknown = args.filter((argument) => !known.includes(argument))
  if (unknown.length > 0) return { ok: false, problem: `${unknown.join(' ')} is not understood\n\n${USAGE}` }
  const has = (flag: string): boolean => args.includes(flag)
  const [fresh, withParent, dev, help] = [has('--fresh'), has('--with-parent'), has('--dev'), has('--help')]
  return { ok: true, value: { fresh, withParent, dev, help } }
}
