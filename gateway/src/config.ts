/**
 * Every setting of the process, with its meaning and default: the one table that main parses and the README prints.
 * A bad value is named by its variable and never shown: it may be a secret.
 */
import { LIMITS, TIMES, weakSecretProblem, weakSecrets } from '@rhizom/protocol'
import { z } from 'zod'

export interface Setting<Value = unknown> {
  schema: z.ZodType<Value, string>
  description: string
  /** As one would write it in the environment. Without one the variable is required. */
  default?: string
}

const setting = <Value>(schema: z.ZodType<Value, string>, description: string, standard?: string): Setting<Value> =>
  standard === undefined ? { schema, description } : { schema, description, default: standard }

const whole = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))

const isUrl = (value: string, protocols: readonly string[]): boolean =>
  URL.canParse(value) && protocols.includes(new URL(value).protocol)

const url = (...protocols: string[]) =>
  z.string().refine((value) => isUrl(value, protocols), {
    message: `must be a url that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  })

const list = z.string().transform((items) =>
  items
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

const urls = list
  .pipe(z.array(z.string().refine((one) => isUrl(one, ['http:', 'https:']), 'must be http or https urls')).min(1))
  .transform((all) => all.map((one) => one.replace(/\/+$/, '')))

const isOrigin = (origin: string): boolean =>
  origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)

const origins = list.pipe(
  z.array(z.string().refine(isOrigin, 'must be a comma-separated list of origins like https://example.org, or *')),
)

const yesOrNo = z.enum(['0', '1']).transform((value) => value === '1')

export const settings = {
  PORT: setting(whole(0, 65_535), 'Port to listen on; 0 takes a free one', '4100'),
  HOST: setting(z.string().min(1), 'Address to listen on', '127.0.0.1'),
  REDIS_URL: setting(url('redis:', 'rediss:'), 'The Redis that carries changes from the api'),
  API_URL: setting(urls, 'Where the api is; several addresses separated by commas are tried in turn'),
  TOKEN_SECRET: setting(z.string().min(1), 'Verifies sessions; the same on every node, 32 characters or more'),
  INTERNAL_TOKEN: setting(
    z.string().regex(/^\S+$/, 'must not hold blanks'),
    'Shown to the api to read from it; 16 characters or more',
  ),
  ALLOW_WEAK_SECRETS: setting(
    yesOrNo,
    '1 lets short, patterned and published secrets pass, which end the process otherwise; for tests',
    '0',
  ),
  LOG_LEVEL: setting(z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']), 'What is logged', 'info'),
  ALLOWED_ORIGINS: setting(
    origins,
    'Origins of pages that may connect, separated by commas, or *; when empty, only pages of the same host may',
    '',
  ),
  TRUST_PROXY: setting(
    whole(0, 10),
    'How many proxies of ours are in front, whose X-Forwarded-For tells the address of a client; 0 trusts none',
    '0',
  ),
  MAX_CONNECTIONS_PER_ADDRESS: setting(whole(1), 'Connections from one address', `${LIMITS.maxConnectionsPerAddress}`),
  MAX_FRAME_BYTES: setting(whole(1024, 1024 * 1024), 'Bytes of one frame from a client', `${LIMITS.maxFrameBytes}`),
  MAX_HELLO_BYTES: setting(
    whole(1024, 64 * 1024),
    'Bytes of a hello, the only frame that is read before the token is verified',
    '8192',
  ),
  MAX_SUBSCRIPTIONS: setting(whole(1), 'Spaces one connection may watch', `${LIMITS.maxSubscriptionsPerConnection}`),
  FRAMES_PER_SECOND: setting(
    whole(1),
    'Frames a connection may send in the long run; blank lines and pings count, and each 4 KiB of a frame as one',
    `${LIMITS.framesPerSecond}`,
  ),
  FRAMES_BURST: setting(whole(1), 'Frames a connection may send at once after quiet', `${LIMITS.framesBurst}`),
  MAX_REFUSED_FRAMES: setting(whole(1), 'Frames over the rate, one after another, that close a connection', '100'),
  MAX_MALFORMED_FRAMES: setting(whole(1), 'Malformed frames, one after another, that close a connection', '10'),
  MAX_STATE_BYTES: setting(whole(1), 'Bytes of a presence state', `${LIMITS.maxStateBytes}`),
  MAX_SIGNAL_BYTES: setting(whole(1), 'Bytes of the data of a signal', `${LIMITS.maxSignalBytes}`),
  HELLO_TIMEOUT_MS: setting(whole(10), 'How long a client has to say hello', `${TIMES.helloTimeoutMs}`),
  HEARTBEAT_MS: setting(whole(10), 'How often a client is told the heads', `${TIMES.heartbeatMs}`),
  IDLE_TIMEOUT_SECONDS: setting(whole(8, 960), 'Silence to pings after which a peer counts as dead', '30'),
  STREAM_MAX_AGE_MS: setting(
    whole(100),
    'How long a stream of server-sent events lasts until its client is asked to come back, which shows that it lives',
    '300000',
  ),
  MAX_UNSENT_BYTES: setting(whole(1024), 'Bytes that may lie unsent for one client', `${LIMITS.maxUnsentBytes}`),
  STALL_TIMEOUT_MS: setting(whole(100), 'How long a large answer may lie there without being read', '30000'),
  FAN_OUT_WINDOW_MS: setting(whole(0, 1000), 'Frames of a space that come within this go together', '8'),
  FAN_OUT_BATCH_BYTES: setting(whole(1024), 'Bytes of frames that are sent together', '262144'),
  RING_CHANGES: setting(whole(0), 'Last changes of a space that are kept for resumes', '2000'),
  RING_BYTES: setting(whole(0), 'Bytes of them', '4194304'),
  HELD_SNAPSHOT_BYTES: setting(whole(0), 'Bytes of a snapshot that is kept for the next who asks', '2097152'),
  PARKED_MESSAGES: setting(whole(0), 'Messages of a space that wait for one before them', '1000'),
  PARKED_BYTES: setting(whole(0), 'Bytes of them', '4194304'),
  REORDER_GRACE_MS: setting(whole(0, 10_000), 'How long a missing message may be late before the log is read', '15'),
  JOIN_TIMEOUT_MS: setting(whole(10), 'How long Redis has to confirm a channel before the log is read without', '2000'),
  SUBSCRIBE_TIMEOUT_MS: setting(whole(100), 'How long a subscriber waits before it is told to come back', '5000'),
  LINGER_MS: setting(whole(0), 'How long a space is followed after its last watcher left', '30000'),
  RETRY_BASE_MS: setting(whole(1), 'First pause after a failed read of the log', '200'),
  RETRY_MAX_MS: setting(whole(1), 'Longest pause after failed reads of the log', '5000'),
  API_TIMEOUT_MS: setting(whole(100), 'How long the api has to answer a read', '5000'),
  API_CONCURRENCY: setting(whole(1), 'Reads of the log at a time', '16'),
  REDIS_TIMEOUT_MS: setting(whole(100), 'Silence after which a connection to Redis is cut', '2500'),
  HEADS_SILENCE_MS: setting(
    whole(100),
    'Without the heads that the api announces every second for so long, Redis counts as away',
    '2500',
  ),
  HEADS_POLL_MS: setting(whole(10), 'How often the api is asked for heads while Redis is away', '1000'),
  HEADS_CHECK_MS: setting(whole(10), 'How often the api is asked for heads while all is well', '30000'),
  PRESENCE_LEASE_MS: setting(
    whole(300),
    'Within this everybody sees that a gateway died and who left with it',
    '15000',
  ),
  PRESENCE_GRACE_MS: setting(whole(0), 'How long a being stays here after its last connection went', '3000'),
  PRESENCE_WINDOW_MS: setting(
    whole(0, 5000),
    'Joins, leaves and updates of a space that come within this go together',
    '150',
  ),
  PRESENCE_LIST_LIMIT: setting(
    whole(1, LIMITS.maxHereListed),
    'Beings that are listed as here; beyond it clients get a count and a sample',
    `${LIMITS.maxHereListed}`,
  ),
  LAST_SEEN_EVERY_MS: setting(whole(10), 'How often the api is told who left', '2000'),
  SIGNAL_WINDOW_MS: setting(
    whole(0, 5000),
    'Of signals of the same name and being that come within this the latest goes on',
    '100',
  ),
  DRAIN_GRACE_MS: setting(whole(100), 'How long a stopping gateway may take', '25000'),
  DRAIN_SPREAD_MS: setting(whole(0), 'Longest time that a client of a stopping gateway is asked to stay away', '5000'),
  DRAIN_HANDOVER_MS: setting(
    whole(0),
    'How long a stopping gateway serves a client on after it may come back, so that it can be elsewhere before it leaves',
    '2000',
  ),
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings
export type Config = { [Name in SettingName]: z.output<(typeof settings)[Name]['schema']> }
export type ParsedConfig = { ok: true; config: Config } | { ok: false; problem: string }

/** Reads the settings from an environment. An empty value counts as none. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): ParsedConfig {
  const parsed: Record<string, unknown> = {}
  for (const [name, { schema, description, default: standard }] of Object.entries<Setting>(settings)) {
    const value = env[name]
    const text = value === undefined || value === '' ? standard : value
    if (text === undefined) return { ok: false, problem: `${name} is required: ${description}` }
    const result = schema.safeParse(text)
    if (!result.success)
      return { ok: false, problem: `${name} is not valid: ${result.error.issues[0]?.message ?? 'not understood'}` }
    parsed[name] = result.data
  }
  if (!isComplete(parsed)) return { ok: false, problem: 'a setting is missing' }
  const [weak] = weakSecrets(parsed)
  if (weak !== undefined && !parsed.ALLOW_WEAK_SECRETS) return { ok: false, problem: weakSecretProblem(weak) }
  return { ok: true, config: parsed }
}

/** Each value came out of the schema of its name, so having all names is being a config. */
const isComplete = (parsed: Record<string, unknown>): parsed is Config =>
  Object.keys(settings).every((name) => name in parsed)
