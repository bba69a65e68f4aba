/**
 * From settings to a running gateway and back: makes the real ports, listens, and stops in order (not ready, no new
 * clients, goodbye, paced closes, feeds, bus). Stopping twice is stopping once.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '@rhizom/machine'
import {
  Accounts,
  type Budgets,
  BusSeal,
  busSecretsOf,
  type ConditionLog,
  internalAddress,
  internalTokensOf,
  INTERNAL_VARIABLES,
  type MetricSet,
  RedisAccounts,
  SECRETS_DIFFER,
  throttledWarn,
  verifyingKeysOf,
  watchConditions,
  watchForgeries,
} from '@rhizom/process'
import type { Config } from './config.ts'
import { createApiClient } from './api/client.ts'
import { apiPlaces } from './api/internal-places.ts'
import { type Conditions, createConditions } from './conditions.ts'
import { RedisBus } from './redis/bus.ts'
import { Gateway, type GatewaySettings } from './gateway.ts'
import { createMetrics, type Metrics } from './observe.ts'
import type { Bus, Log, ApiClient, LastSeenReport } from './ports.ts'
import { HASH_TTL_MS } from './presence/heartbeat.ts'
import { PresenceHub } from './presence/hub.ts'
import { LastSeen } from './presence/last-seen.ts'
import { createPresenceMetrics, watchPresence } from './presence/metrics.ts'
import { RedisPresenceStore } from './redis/presence-store.ts'
import { listenInternally } from './server/internal-server.ts'
import type { Server } from './server/listen-on.ts'
import { listen } from './server/uws-server.ts'
import { pacedTokens } from './connection/paced-tokens.ts'
import { WHEEL } from './connection/timer-wheel.ts'
import { tokenVerifier } from './connection/token.ts'
import { Wall } from './wall.ts'

export interface RunningGateway {
  url: string
  internalUrl: string
  gateway: Gateway
  wall: Wall
  /** Lets all clients go and ends; resolves when done, always within the grace. */
  stop(): Promise<void>
}

/** A message may carry several frames; beyond this uWebSockets.js cuts the connection. */
const FRAMES_PER_MESSAGE = 16
/** Above the send budget and the largest answer, so that the budget decides and uWebSockets.js never drops. */
const MAX_BACKPRESSURE_BYTES = 256 * 1024 * 1024
const WARN_EVERY_MS = 60_000
const SPREAD_PER_CLIENT_MS = 10
/** After each question for news. */
const NEWS_PAUSE_MS = 20
/** Pause after a heartbeat of presence that did not reach Redis. */
const LEASE_RETRY_MS = 500
/** A large snapshot for each, after all of them were cut at once. */
const SENT_BYTES_PER_CONNECTION = 1024 * 1024
/** So many subscriptions to what is not there for whoever asks use up what it may ask for at once. */
const REFUSED_IN_A_BURST = 200
/** No two starts share a name. */
const BOOT_ID_BYTES = 9
/** Of the grace; the rest is for closing what the clients leave behind. */
const DRAIN_SHARE = 0.8

export function settingsOf(config: Config): GatewaySettings {
  return {
    connection: {
      limits: {
        maxFrameBytes: config.MAX_FRAME_BYTES,
        maxHelloBytes: Math.min(config.MAX_HELLO_BYTES, config.MAX_FRAME_BYTES),
        helloTimeoutMs: config.HELLO_TIMEOUT_MS,
        heartbeatMs: config.HEARTBEAT_MS,
        frames: { perSecond: config.FRAMES_PER_SECOND, burst: config.FRAMES_BURST },
        maxSubscriptions: config.MAX_SUBSCRIPTIONS,
        maxStateBytes: config.MAX_STATE_BYTES,
        maxSignalBytes: config.MAX_SIGNAL_BYTES,
        maxRefusedInRow: config.MAX_REFUSED_FRAMES,
        maxMalformedInRow: config.MAX_MALFORMED_FRAMES,
      },
      sendBudget: { maxUnsentBytes: config.MAX_UNSENT_BYTES, stallMs: config.STALL_TIMEOUT_MS },
      refusedBytes: Math.ceil(sentBurstOf(config) / REFUSED_IN_A_BURST),
    },
    wheel: WHEEL,
    feed: {
      ring: { maxChanges: config.RING_CHANGES, maxBytes: config.RING_BYTES },
      parked: { maxRuns: config.PARKED_MESSAGES, maxBytes: config.PARKED_BYTES },
      reorderGraceMs: config.REORDER_GRACE_MS,
      joinTimeoutMs: config.JOIN_TIMEOUT_MS,
      patienceMs: config.SUBSCRIBE_TIMEOUT_MS,
      lingerMs: config.LINGER_MS,
      retry: { minMs: config.RETRY_BASE_MS / 4, baseMs: config.RETRY_BASE_MS, maxMs: config.RETRY_MAX_MS },
      maxHeldSnapshotBytes: config.HELD_SNAPSHOT_BYTES,
    },
    fanOut: { windowMs: config.FAN_OUT_WINDOW_MS, maxBatchBytes: config.FAN_OUT_BATCH_BYTES },
    signalWindowMs: config.SIGNAL_WINDOW_MS,
    headsPoll: { quickMs: config.HEADS_POLL_MS, slowMs: config.HEADS_CHECK_MS, gatherMs: 20 },
    news: {
      windowMs: config.NEWS_WINDOW_MS,
      checkMs: config.NEWS_CHECK_MS,
      pauseMs: NEWS_PAUSE_MS,
      retry: { minMs: config.RETRY_BASE_MS / 4, baseMs: config.RETRY_BASE_MS, maxMs: config.RETRY_MAX_MS },
    },
    drain: {
      withinMs: config.DRAIN_GRACE_MS * DRAIN_SHARE,
      spreadMs: config.DRAIN_SPREAD_MS,
      spreadPerClientMs: SPREAD_PER_CLIENT_MS,
      handoverMs: config.DRAIN_HANDOVER_MS,
    },
    allowedOrigins: config.ALLOWED_ORIGINS,
    trustedProxies: config.TRUST_PROXY,
    maxConnections: config.MAX_CONNECTIONS,
    maxHeldBytes: config.MAX_HELD_BYTES,
    maxConnectionsPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS,
    maxConnectionsPerBeing: config.MAX_CONNECTIONS_PER_BEING ?? config.MAX_CONNECTIONS_PER_ADDRESS,
  }
}

const sentBurstOf = (config: Config): number =>
  config.SENT_BYTES_BURST ?? config.MAX_CONNECTIONS_PER_ADDRESS * SENT_BYTES_PER_CONNECTION

function budgetsOf(config: Config): Partial<Budgets> {
  const sentBurst = sentBurstOf(config)
  return {
    signals: {
      perSecond: config.SIGNALS_PER_SECOND ?? config.FRAMES_PER_SECOND,
      burst: config.SIGNALS_BURST ?? config.FRAMES_BURST,
    },
    'sent-bytes': { perSecond: config.SENT_BYTES_PER_SECOND ?? sentBurst / 16, burst: sentBurst },
  }
}

/** Starts a gateway node; rejects if its port cannot be had. Redis and the api may come later. */
export async function startGateway(config: Config, log: Log): Promise<RunningGateway> {
  const metrics = createMetrics()
  const wall = new Wall(log, (behind) => metrics.faults.inc({ behind }))
  const clock = wall.clock(systemClock)
  const conditions = createConditions(log, clock)
  const warnOfTokens = throttledWarn(log, clock, WARN_EVERY_MS)
  const seal = sealOf(config, metrics, conditions)
  const bus = new RedisBus({
    seal,
    url: config.REDIS_URL,
    name: `rhizom-gateway-${randomUUID()}`,
    clock,
    random: Math.random,
    log,
    conditions,
    timeoutMs: config.REDIS_TIMEOUT_MS,
    silenceMs: config.HEADS_SILENCE_MS,
    wall,
    connectedAnew: () => presence.reconnect(),
    received: (kind) => metrics.messagesIn.inc({ kind }),
    failed: () => metrics.busErrors.inc(),
  })
  const api = createApiClient({
    places: apiPlaces(config.API_URL, config.API_INTERNAL_URL),
    internalToken: internalTokensOf(config)[0] ?? '',
    installation: (id) => seal.installationLearned(id),
    timeoutMs: config.API_TIMEOUT_MS,
    maxConcurrent: config.API_CONCURRENCY,
    asked: (trouble) => (trouble === undefined ? conditions.api.good() : conditions.api.bad(trouble)),
  })
  const presence = startPresence(config, {
    ...{ seal, clock, log, wall, set: metrics.set, redis: conditions.redis, report: api.lastSeen },
    demoted: () => bus.leaveRedis(),
  })
  const verifyToken = tokenVerifier(verifyingKeysOf(config.TOKEN_PUBLIC_KEYS, config.TOKEN_SECRET), (fault) => {
    if (fault === 'otherSecret') warnOfTokens({}, SECRETS_DIFFER)
  })
  const deps = {
    clock,
    random: Math.random,
    newConnectionId: randomUUID,
    bus,
    api,
    presence: presence.hub,
    verifyToken: pacedTokens(verifyToken, () => clock.dateMs()),
    accounts: new Accounts({
      clock,
      shared: new RedisAccounts(bus.commands, seal.names),
      budgets: budgetsOf(config),
      overrides: config.BUDGETS,
      counted: metrics.budget,
    }),
    metrics,
    log,
    wall,
    room: conditions.room,
  }
  const gateway = new Gateway(deps, settingsOf(config))
  watchConditions(metrics.set, Object.values(conditions))
  watchPresence(metrics.set, presence.hub)
  let stopping: Promise<void> | undefined
  const health = {
    ready: async () => ({ ...(await dependencies(bus, api)), accepting: stopping === undefined }),
  }
  const servers: Server[] = []
  try {
    const server = await listen(gateway, wall, {
      host: config.HOST,
      port: config.PORT,
      maxMessageBytes: config.MAX_FRAME_BYTES * FRAMES_PER_MESSAGE,
      maxBackpressureBytes: MAX_BACKPRESSURE_BYTES,
      idleTimeoutSeconds: config.IDLE_TIMEOUT_SECONDS,
      maxStreamAgeMs: config.STREAM_MAX_AGE_MS,
      clock,
    })
    servers.push(server)
    const inside = await internalAddress(config, server.port)
    const internal = await listenInternally(gateway, health, wall, inside, INTERNAL_VARIABLES)
    servers.push(internal)
    const stop = (): Promise<void> => {
      if (stopping === undefined) {
        for (const condition of Object.values(conditions)) condition.stop()
        stopping = stopGateway(gateway, server, config.DRAIN_GRACE_MS, log).finally(() => internal.close())
      }
      return stopping
    }
    return { url: server.url, internalUrl: internal.url, gateway, wall, stop }
  } catch (error) {
    for (const server of servers) server.close()
    await gateway.stop()
    throw error
  }
}

/** What is not signed by one of ours is counted and said, once. */
function sealOf(config: Config, { opened }: Metrics, { forgeries }: Conditions): BusSeal {
  const watch = watchForgeries(forgeries)
  return new BusSeal({
    secrets: busSecretsOf(config),
    prefix: config.REDIS_PREFIX,
    opened: (outcome) => {
      opened.inc({ outcome })
      watch(outcome)
    },
  })
}

interface PresenceParts {
  seal: BusSeal
  clock: Clock
  log: Log
  wall: Wall
  set: MetricSet
  redis: ConditionLog
  report: LastSeenReport
  /** Redis refuses to write, since it is a replica now. */
  demoted(): void
}

/** What presence of this gateway is made of: its own connection to Redis, and the hub between that and the api. */
function startPresence(
  config: Config,
  { seal, clock, log, wall, set, redis, report, demoted }: PresenceParts,
): { hub: PresenceHub; reconnect: () => void } {
  const metrics = createPresenceMetrics(set)
  const random = Math.random
  const store = new RedisPresenceStore({
    seal,
    url: config.REDIS_URL,
    clock,
    random,
    log,
    condition: redis,
    timeoutMs: config.REDIS_TIMEOUT_MS,
    hashTtlMs: HASH_TTL_MS,
    counted: (command) => metrics.redisCommands.inc({ command }),
    wrongType: () => metrics.wrongTypes.inc(),
    demoted,
  })
  const lastSeen = new LastSeen({
    clock,
    everyMs: config.LAST_SEEN_EVERY_MS,
    report,
    given: (outcome, beings) => metrics.lastSeen.inc({ outcome }, beings),
  })
  const hub = new PresenceHub({
    clock,
    random,
    store,
    lastSeen,
    newBootId: () => randomBytes(BOOT_ID_BYTES).toString('base64url'),
    metrics,
    log,
    faulted: (error) => wall.report('promise', error),
    settings: {
      roster: {
        graceMs: config.PRESENCE_GRACE_MS,
        windowMs: config.PRESENCE_WINDOW_MS,
        listLimit: config.PRESENCE_LIST_LIMIT,
      },
      lease: { leaseMs: config.PRESENCE_LEASE_MS, retryMs: LEASE_RETRY_MS },
    },
  })
  return { hub, reconnect: () => store.reconnect() }
}

async function dependencies(bus: Bus, api: ApiClient): Promise<{ redis: boolean; api: boolean }> {
  const [redis, heads] = await Promise.all([bus.answers(), api.heads([])])
  return { redis, api: heads.type === 'answered' }
}

async function stopGateway(gateway: Gateway, server: Server, graceMs: number, log: Log): Promise<void> {
  log.info({ connections: gateway.connectionCount }, 'draining')
  server.stopAccepting()
  const overdue = Promise.withResolvers<void>()
  const cancel = systemClock.after(graceMs, overdue.resolve)
  // Those who were here stay for their grace, so that whoever moves to another gateway does not blink.
  await Promise.race([gateway.drain().then(() => gateway.emptied()), overdue.promise])
  cancel()
  const left = gateway.connectionCount
  await gateway.stop()
  server.close()
  if (left > 0) log.info({ left }, 'connections were cut at the end of the grace')
}
