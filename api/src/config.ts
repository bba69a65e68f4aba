/**
 * Every setting of the process, with its meaning and default: the one table that main parses and the README prints.
 * A bad value is named by its variable and never shown: it may be a secret.
 */
import {
  budgetsSetting,
  common,
  type ConfigOf,
  type EnvironmentVariables,
  type ParsedSettings,
  parseSettings,
  setting,
  type SettingsTable,
  tokenKeySettings,
  url,
  whole,
} from '@rhizom/process'
import { LIMITS, secretFault, TIMES } from '@rhizom/protocol'
import { z } from 'zod'
import { FAIL_POINTS } from './fail-point.ts'
import { issuersSetting } from './issuer-setting.ts'

/**
 * The driver reads the parts of the url as they are meant: a sign that does not is found here, and not by each query.
 */
const isDecodable = (value: string): boolean => {
  try {
    return decodeURIComponent(value) !== ''
  } catch {
    return false
  }
}

export interface Operator {
  name: string
  token: string
}

const operatorTokens = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  )
  .pipe(
    z.array(
      z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]{0,31}:\S+$/, 'must be a list like ada:<token>,ben:<token>, names in small letters')
        .transform((one): Operator => {
          const [name = '', ...token] = one.split(':')
          return { name, token: token.join(':') }
        }),
    ),
  )
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'names somebody twice')

export const settings = {
  PORT: common.PORT('4000'),
  HOST: common.HOST,
  INTERNAL_PORT: common.INTERNAL_PORT('/internal, /operator, /metrics and /readyz'),
  INTERNAL_HOST: common.INTERNAL_HOST,
  DATABASE_URL: setting(
    url('postgres:', 'postgresql:').refine(isDecodable, 'holds a % that begins no character: write %25 for it'),
    'The Postgres database',
  ),
  REDIS_URL: common.REDIS_URL('The Redis that carries changes to the gateways'),
  REDIS_PREFIX: common.REDIS_PREFIX,
  TOKEN_SECRET: common.TOKEN_SECRET('Signs and verifies', 'TOKEN_KEYS'),
  TOKEN_KEYS: tokenKeySettings.TOKEN_KEYS,
  INTERNAL_TOKEN: common.INTERNAL_TOKEN('What gateways show to read from the api'),
  OPERATOR_TOKENS: setting(
    operatorTokens,
    'Who may operate, each as `name:token`, separated by commas; a token has 16 characters or more. Empty: nobody may',
    '',
  ),
  INTERNAL_TOKENS: common.INTERNAL_TOKENS,
  BUS_KEYS: common.BUS_KEYS,
  ALLOW_WEAK_SECRETS: common.ALLOW_WEAK_SECRETS,
  LOG_LEVEL: common.LOG_LEVEL,
  ALLOWED_ORIGINS: common.ALLOWED_ORIGINS('call', 'origin'),
  TRUST_PROXY: common.TRUST_PROXY,
  TOKEN_TTL_SECONDS: setting(
    whole(1),
    'How long a session token is valid. Gateways remember as long who was removed: lower it only with a new TOKEN_SECRET',
    '86400',
  ),
  RENEWAL_GRACE_MS: setting(
    whole(0),
    'How long the renewal of a session that was used may be used again, in case its answer was lost; later it ends the session',
    '30000',
  ),
  ISSUERS: setting(
    issuersSetting,
    'OpenID providers whose people may sign in, as JSON: `[{"issuer": "https://…", "audience": "…"}]` (docs/sign-in.md)',
    '[]',
  ),
  GUESTS: setting(
    z.enum(['on', 'off']).transform((value) => value === 'on'),
    'off lets only those sign in whom an issuer vouches for; who has a session goes on',
    'on',
  ),
  MAX_CONTENT_BYTES: setting(
    whole(1),
    'Bytes of content, metadata or properties of one entity',
    `${LIMITS.maxContentBytes}`,
  ),
  MAX_BODY_BYTES: setting(
    whole(1024),
    'Bytes of a request of mutations; other requests are bounded by what they hold',
    `${LIMITS.maxBodyBytes}`,
  ),
  MAX_BODY_PARTS: setting(whole(1000), 'Objects, arrays and keys in a request body', `${LIMITS.maxBodyParts}`),
  BODY_BYTES_PER_SECOND: setting(
    whole(0),
    'Bytes of bodies an actor may send in the long run, or an address while nobody is known; 0 sets no limit',
    '2097152',
  ),
  BODY_BYTES_BURST: setting(
    whole(1),
    'Bytes of bodies an actor, or such an address, may send at once after quiet',
    '16777216',
  ),
  MAX_MUTATIONS_PER_BATCH: setting(whole(1), 'Mutations in one request', `${LIMITS.maxMutationsPerBatch}`),
  SESSIONS_PER_SECOND: setting(
    whole(0),
    'Attempts to sign in from one address in the long run; 0 sets no limit. Renewing a session is not counted',
    '20',
  ),
  SESSIONS_BURST: setting(whole(1), 'Attempts to sign in from one address at once after quiet', '2000'),
  MUTATIONS_PER_SECOND: setting(
    whole(1),
    'Mutations an actor may send in the long run',
    `${LIMITS.mutationsPerSecond}`,
  ),
  MUTATIONS_BURST: setting(whole(1), 'Mutations an actor may send at once after quiet', `${LIMITS.mutationsBurst}`),
  SIGNALS_PER_SECOND: setting(
    whole(1),
    'Signals an actor may send over HTTP in the long run',
    `${LIMITS.framesPerSecond}`,
  ),
  SIGNALS_BURST: setting(whole(1), 'Signals an actor may send over HTTP at once', `${LIMITS.framesBurst}`),
  STORED_BYTES_PER_SECOND: setting(
    whole(0),
    'Bytes that what an actor writes may add to the logs of spaces in the long run; 0 sets no limit',
    '8388608',
  ),
  STORED_BYTES_BURST: setting(whole(1), 'Bytes that it may add at once after quiet', '134217728'),
  SPACE_BYTES_PER_SECOND: setting(
    whole(0),
    'Bytes that may be added to the log of one space in the long run, whoever writes; 0 sets no limit',
    '16777216',
  ),
  SPACE_BYTES_BURST: setting(whole(1), 'Bytes that may be added to it at once after quiet', '268435456'),
  SENT_BYTES_PER_SECOND: setting(
    whole(0),
    'Bytes of answers that an actor may ask for in the long run, each read counting as 4 KiB at least; 0 sets no limit',
    '33554432',
  ),
  SENT_BYTES_BURST: setting(whole(1), 'Bytes of answers that it may ask for at once after quiet', '536870912'),
  BUDGETS: budgetsSetting,
  PRESENCE_LIST_LIMIT: common.PRESENCE_LIST_LIMIT('readers'),
  MAX_SIGNAL_BYTES: common.MAX_SIGNAL_BYTES,
  SNAPSHOT_BEINGS: setting(whole(1), 'Beings located in a space that its snapshot holds', `${LIMITS.snapshotBeings}`),
  SNAPSHOT_INTENTIONS: setting(whole(1), 'Newest intentions that a snapshot holds', `${LIMITS.snapshotIntentions}`),
  SNAPSHOT_BYTES: setting(
    whole(1),
    'Bytes of intentions, and as many of beings, after which a snapshot lists no more',
    '1048576',
  ),
  PAGE_BYTES: setting(whole(1), 'Bytes after which a page of changes, intentions or beings ends', '1048576'),
  CATCH_UP_LIMIT: setting(whole(1), 'Changes a gateway is given to catch up; beyond it gets a snapshot', '1000'),
  CATCH_UP_BYTES: setting(whole(1), 'Bytes of them after which it gets a snapshot instead', '2097152'),
  DATABASE_POOL: setting(whole(2, 1000), 'Connections to Postgres for requests', '10'),
  DATABASE_DEADLINE_MS: setting(whole(100), 'How long a request waits for Postgres before it is refused', '4000'),
  COMMIT_MUTATIONS: setting(whole(1), 'Most mutations that share a transaction, of whatever spaces', '500'),
  COMMIT_TRANSACTIONS: setting(
    whole(1),
    'Transactions at once in which writes of many spaces share; what comes meanwhile shares the next',
    '3',
  ),
  MAX_QUEUED_MUTATIONS: setting(
    whole(1),
    'Mutations that may wait for their transaction before more are refused',
    '10000',
  ),
  REQUEST_TIMEOUT_MS: setting(
    whole(100),
    'How long a client has to send a request, head and body',
    `${TIMES.requestTimeoutMs}`,
  ),
  ANSWER_TIMEOUT_MS: setting(
    whole(100),
    'How long a client has to take in an answer that is larger than the buffers between',
    '30000',
  ),
  KEEP_ALIVE_TIMEOUT_MS: setting(
    whole(0),
    'How long a connection is kept without a request; longer than proxies in front do',
    '75000',
  ),
  MAX_CONNECTIONS: setting(whole(1), 'Open connections before more are refused', '10000'),
  MAX_CONCURRENT_REQUESTS: setting(
    whole(1),
    'Requests under way, their body being there, before more are refused',
    '2000',
  ),
  MAX_BYTES_OF_BODIES: setting(
    whole(1),
    'Bytes of bodies of all requests, whole or not, before more are refused',
    '67108864',
  ),
  ADDRESS_SHARE_PERCENT: setting(
    whole(1, 100),
    'Share of each of these three that one address may have; of connections only with TRUST_PROXY=0',
    '50',
  ),
  ACTOR_SHARE_PERCENT: setting(whole(1, 100), 'Share of requests and bytes that one actor may have', '25'),
  HEADS_INTERVAL_MS: setting(whole(10), 'How often lately changed spaces are announced', '1000'),
  HEADS_WINDOW_MS: setting(whole(2000), 'How long after its last change a space is announced', '10000'),
  LEASES_INTERVAL_MS: setting(whole(10), 'How often claims are taken away whose lease has run out', '500'),
  MAX_ATTEMPTS: setting(whole(1), 'Claims that may run out on one intention before it is `failed`', '3'),
  LOG_KEEP_SECONDS: setting(whole(1), 'How long changes stay in the log; older positions get a snapshot', '259200'),
  LOG_KEEP_CHANGES: setting(whole(1), 'How many changes of one space stay in the log at most', '100000'),
  LEDGER_KEEP_SECONDS: setting(whole(1), 'How long a mutation sent again is recognised', '604800'),
  PRUNE_INTERVAL_MS: setting(whole(10), 'How often log and ledger are pruned, by one node', '60000'),
  GUEST_STAY_SECONDS: setting(
    whole(0),
    'How long a guest that left a space stays located there, and so listed; 0 keeps it there',
    '604800',
  ),
  GUEST_KEEP_SECONDS: setting(
    whole(0),
    'How long a guest is kept that never was in a space, made nothing and was not signed in meanwhile; 0 keeps it for good',
    '2592000',
  ),
  REMOVED_SPACE_KEEP_SECONDS: setting(
    whole(0),
    'How long the address of a removed space is nobody’s but of whom removed it',
    '2592000',
  ),
  MAX_SPACES_OWNED: setting(whole(1), 'Spaces that one being made and are there', '10000'),
  MAX_SPACES_LISTED: setting(whole(1), "Spaces of one maker that are in everybody's list while they are public", '100'),
  MAX_BEINGS_OWNED: setting(whole(1), 'Bots and documents of one owner', '10000'),
  MAX_MEMBERS: setting(whole(1), 'Beings with a role in one space', '10000'),
  STOP_TIMEOUT_MS: setting(whole(0), 'How long a stopping node waits for requests under way', '10000'),
  FAIL_POINT: setting(
    z.enum(['', ...FAIL_POINTS]).transform((point) => (point === '' ? undefined : point)),
    'For fault tests only: where to die',
    '',
  ),
} as const satisfies SettingsTable

export type Config = ConfigOf<typeof settings>

const OPERATOR_TOKEN_LENGTH = 16

/** Tokens of operators are judged as the other secrets are. */
export function weakOperatorToken({ OPERATOR_TOKENS }: Pick<Config, 'OPERATOR_TOKENS'>): string | undefined {
  for (const { name, token } of OPERATOR_TOKENS) {
    const why = secretFault(token, OPERATOR_TOKEN_LENGTH)
    if (why !== undefined) return `OPERATOR_TOKENS: that of ${name} ${why}`
  }
  return undefined
}

export function parseConfig(env: EnvironmentVariables): ParsedSettings<Config> {
  const parsed = parseSettings(settings, env)
  if (!parsed.ok || parsed.config.ALLOW_WEAK_SECRETS) return parsed
  const problem = weakOperatorToken(parsed.config)
  return problem === undefined ? parsed : { ok: false, problem }
}
