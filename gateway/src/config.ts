/**
 * Every setting of the process, with its meaning and default: the one table that main parses and the README prints.
 * A bad value is named by its variable and never shown: it may be a secret.
 */
import {
  common,
  type ConfigOf,
  type EnvironmentVariables,
  httpUrls,
  type ParsedSettings,
  parseSettings,
  setting,
  type SettingsTable,
  tokenKeySettings,
  whole,
} from '@rhizom/process'
import { LIMITS, TIMES } from '@rhizom/protocol'

export const settings = {
  PORT: common.PORT('4100'),
  HOST: common.HOST,
  REDIS_URL: common.REDIS_URL('The Redis that carries changes from the api'),
  API_URL: setting(httpUrls, 'Where the api is; several addresses separated by commas are tried in turn'),
  REDIS_PREFIX: common.REDIS_PREFIX,
  TOKEN_SECRET: common.TOKEN_SECRET('Verifies', 'TOKEN_PUBLIC_KEYS'),
  TOKEN_PUBLIC_KEYS: tokenKeySettings.TOKEN_PUBLIC_KEYS,
  INTERNAL_TOKEN: common.INTERNAL_TOKEN('Shown to the api to read from it'),
  INTERNAL_TOKENS: common.INTERNAL_TOKENS,
  BUS_KEYS: common.BUS_KEYS,
  ALLOW_WEAK_SECRETS: common.ALLOW_WEAK_SECRETS,
  LOG_LEVEL: common.LOG_LEVEL,
  ALLOWED_ORIGINS: common.ALLOWED_ORIGINS('connect', 'host'),
  TRUST_PROXY: common.TRUST_PROXY,
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
  MAX_SIGNAL_BYTES: common.MAX_SIGNAL_BYTES,
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
  PRESENCE_LIST_LIMIT: common.PRESENCE_LIST_LIMIT('clients'),
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
} as const satisfies SettingsTable

export type Config = ConfigOf<typeof settings>

export const parseConfig = (env: EnvironmentVariables): ParsedSettings<Config> => parseSettings(settings, env)
