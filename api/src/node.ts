/** Puts one api node together and takes it apart again. Wiring only: every decision is made elsewhere. */
import type { AddressInfo } from 'node:net'
import { systemClock } from '@rhizom/machine'
import {
  beginConnecting,
  BusSeal,
  busSecretsOf,
  cannotListen,
  ConditionLog,
  connectRedis,
  forgeries,
  internalAddress,
  INTERNAL_VARIABLES,
  keySetOf,
  SECRETS_DIFFER,
  type ProcessLog,
  RedisFitnessCheck,
  signingKeysOf,
  throttledWarn,
  verifyingKeysOf,
  watchConditions,
  watchForgeries,
} from '@rhizom/process'
import type { Config } from './config.ts'
import { readAdmissions } from './db/read/admission.ts'
import { Admissions } from './db/write/admissions.ts'
import { commitParts, mutationsIn } from './db/write/commit.ts'
import { GroupCommit } from './db/write/group-commit.ts'
import { isHistoryKnown } from './db/write/lineage.ts'
import { failPoint } from './fail-point.ts'
import { buildApp } from './http/app.ts'
import { createIssuers } from './http/issuers.ts'
import { OpenConnections } from './http/open-connections.ts'
import { RateLimiter } from './http/rate-limit.ts'
import { rememberingTokens } from './http/remembered-tokens.ts'
import type { HttpApp } from './http/route.ts'
import type { Services } from './http/services.ts'
import { shareOf, UnderWay } from './http/under-way.ts'
import { sessionTokens } from './http/session-token.ts'
import { guestsDuty } from './leader/guests.ts'
import { headsDuty } from './leader/heads.ts'
import { Leader } from './leader/leader.ts'
import { leasesDuty } from './leader/leases.ts'
import { type Pruning, pruningDuty } from './leader/prune.ts'
import { revocationsDuty } from './leader/revocations.ts'
import { createMetrics } from './observe.ts'
import { WatchedDatabase } from './postgres-watch.ts'
import { newsHintsIn } from './publish/news.ts'
import { Publisher } from './publish/publisher.ts'
import { revokedForMs } from './publish/revoked.ts'

/** How long Redis may be silent, and how long one answer may take: whoever waits for it waits with a request. */
const REDIS_TIMEOUT_MS = 2_000
const REDIS_COMMAND_TIMEOUT_MS = 1_000
const WARN_EVERY_MS = 60_000

export interface ApiNode {
  /** What strangers reach. */
  app: HttpApp
  /** What only we do. */
  internalApp: HttpApp
  leader: Leader
  /** What this node says over Redis, and what it believes of what is said there. */
  seal: BusSeal
  /** Begins to serve. */
  listen: () => Promise<{ url: string; internalUrl: string }>
  /** Stops accepting, finishes what is under way, closes everything. Calling it again waits for the same stop. */
  stop: () => Promise<void>
}

export async function createNode(config: Config, log: ProcessLog): Promise<ApiNode> {
  const metrics = createMetrics()
  const clock = systemClock
  const condition = (name: string, whenGood: string) => new ConditionLog({ name, log, clock, whenGood })
  const postgresCondition = condition('postgres', 'Postgres is as it should be again')
  const redisCondition = condition('redis', 'Redis is as it should be again')
  const leaderCondition = condition('leader', 'what a leader does is done again')
  const forgeryCondition = forgeries(log, clock)
  const issuersCondition = condition('issuers', 'every issuer answers again')
  const conditions = [postgresCondition, redisCondition, leaderCondition, issuersCondition, forgeryCondition]
  watchConditions(metrics.set, conditions)
  const watchSignatures = watchForgeries(forgeryCondition)
  const seal = new BusSeal({
    secrets: busSecretsOf(config),
    prefix: config.REDIS_PREFIX,
    opened: (outcome) => {
      metrics.opened.inc({ outcome })
      watchSignatures(outcome)
    },
  })
  const database = new WatchedDatabase(
    {
      url: config.DATABASE_URL,
      poolSize: config.DATABASE_POOL,
      deadlineMs: config.DATABASE_DEADLINE_MS,
      name: 'rhizom-api',
      isFit: isHistoryKnown,
    },
    { condition: postgresCondition, clock, installation: (id) => seal.installationLearned(id) },
  )
  const connection = (name: string, demoted?: () => void) =>
    connectRedis({
      ...(demoted === undefined ? {} : { demoted }),
      ...{ url: config.REDIS_URL, name, clock, random: Math.random, condition: redisCondition },
      ...{ timeoutMs: REDIS_TIMEOUT_MS, commandTimeoutMs: REDIS_COMMAND_TIMEOUT_MS, gathers: true },
    })
  // Two connections, so that a large publish never delays an answer.
  const publishing = connection('rhizom-api-publish')
  // What is published is no write to Redis: only the other one is told that it has become a replica.
  const redis = connection('rhizom-api', () => publishing.disconnect(true))
  const fitness = new RedisFitnessCheck({
    ...{ redis, condition: redisCondition, clock, log },
    channel: seal.names.checkChannel,
  })
  for (const one of [redis, publishing]) beginConnecting(one)
  const warnOfTokens = throttledWarn(log, clock, WARN_EVERY_MS)
  const publisher = new Publisher(publishing, seal, metrics, revokedForMs(config.TOKEN_TTL_SECONDS), (thrown) =>
    log.error({ err: thrown }, 'a message could not be published'),
  )
  const commitOptions = { maxContentBytes: config.MAX_CONTENT_BYTES, onRetry: () => metrics.commitRetries.inc() }
  const writes = new GroupCommit({
    maxMutations: config.COMMIT_MUTATIONS,
    maxQueued: config.MAX_QUEUED_MUTATIONS,
    maxWaitMs: config.DATABASE_DEADLINE_MS,
    maxTransactions: config.COMMIT_TRANSACTIONS,
    maxPatient: Math.max(1, config.DATABASE_POOL - config.COMMIT_TRANSACTIONS),
    commit: async (parts, patient) => {
      const committed = metrics.commitSeconds.startTimer()
      metrics.commitMutations.observe(mutationsIn(parts))
      try {
        return await commitParts(database, parts, patient, commitOptions)
      } finally {
        committed()
      }
    },
    committed: ({ changes, removed }) => {
      failPoint('after-commit', config.FAIL_POINT)
      publisher.publish(changes)
      publisher.revoke(removed)
      publisher.tellOfWork(changes)
      publisher.tellOfNews(newsHintsIn(changes))
    },
    // Gateways find out by the heads.
    onFault: (thrown) => log.error({ err: thrown }, 'what was committed could not be published'),
  })
  const admissions = new Admissions(
    (asking) => database.use((sql) => readAdmissions(sql, asking)),
    config.COMMIT_MUTATIONS,
  )
  const underWay = new UnderWay(config, metrics)
  metrics.watch({
    requestsUnderWay: () => underWay.requests,
    bodyBytes: () => underWay.bodyBytes,
    queuedMutations: () => writes.queued,
    databaseLent: () => database.lent,
    databaseWaiting: () => database.waiting,
  })
  const onPool = {
    firstAfterMs: config.PRUNE_INTERVAL_MS,
    everyMs: config.PRUNE_INTERVAL_MS,
    deadlineMs: undefined,
  }
  const onLock = { firstAfterMs: 0, everyMs: config.HEADS_INTERVAL_MS, deadlineMs: config.DATABASE_DEADLINE_MS }
  const retention = {
    logSeconds: config.LOG_KEEP_SECONDS,
    logChanges: config.LOG_KEEP_CHANGES,
    ledgerSeconds: config.LEDGER_KEEP_SECONDS,
  }
  const pruning = (): Pruning => pruningDuty(database, metrics, retention, revokedForMs(config.TOKEN_TTL_SECONDS))
  const to = { redis: publishing, seal }
  const leader = new Leader({
    databaseUrl: config.DATABASE_URL,
    times: {
      everyMs: config.HEADS_INTERVAL_MS,
      deadlineMs: config.DATABASE_DEADLINE_MS,
      duties: {
        heads: onLock,
        revocations: onLock,
        leases: { firstAfterMs: 0, everyMs: config.LEASES_INTERVAL_MS, deadlineMs: undefined },
        pruning: onPool,
        guests: onPool,
      },
    },
    duties: {
      heads: headsDuty(to, metrics, config.HEADS_WINDOW_MS),
      revocations: revocationsDuty(to, metrics, {
        windowMs: config.HEADS_WINDOW_MS,
        revokedForMs: revokedForMs(config.TOKEN_TTL_SECONDS),
      }),
      leases: leasesDuty(database, publisher, metrics, config.MAX_ATTEMPTS),
      pruning: pruning(),
      guests: guestsDuty({ database, redis, seal, writes, staySeconds: config.GUEST_STAY_SECONDS }),
    },
    metrics,
    log,
    condition: leaderCondition,
  })
  const refused = (whose: string): void => metrics.turnedAway.inc({ what: 'connections', whose })
  const all = config.MAX_CONNECTIONS
  const perAddress = config.TRUST_PROXY > 0 ? undefined : shareOf(all, config.ADDRESS_SHARE_PERCENT)
  // Each port has its own, so that strangers take none of ours.
  const connections = {
    public: new OpenConnections({ all, perAddress, refused }),
    internal: new OpenConnections({ all, perAddress: undefined, refused }),
  }
  const signingKeys = signingKeysOf(config)
  const publicKeys = signingKeys.map(({ jwk }) => jwk)
  const [signing] = signingKeys
  if (signing === undefined) throw new Error('neither TOKEN_KEYS nor TOKEN_SECRET')
  let stopped: Promise<void> | undefined
  const services: Services = {
    config,
    log,
    metrics,
    database,
    writes,
    admissions,
    publisher,
    redis,
    seal,
    limiter: new RateLimiter(redis, seal.names, metrics),
    issuers: createIssuers(config.ISSUERS, issuersCondition),
    isRedisFit: () => fitness.isFit,
    keys: keySetOf(publicKeys),
    tokens: rememberingTokens(
      sessionTokens({
        ...{
          signing,
          verifying: verifyingKeysOf(publicKeys, config.TOKEN_SECRET),
          ttlSeconds: config.TOKEN_TTL_SECONDS,
        },
        refused: (fault) => {
          if (fault === 'otherSecret') warnOfTokens({}, SECRETS_DIFFER)
        },
      }),
      () => Date.now(),
    ),
    underWay,
    prune: () => pruning().run({ isOver: false }),
    isStopping: () => stopped !== undefined,
  }
  const app = await buildApp('public', connections.public, services)
  const internalApp = await buildApp('internal', connections.internal, services)
  const stop = async (): Promise<void> => {
    // Every write is awaited by the request that asked for it, so when the last request is answered none is left.
    connections.public.close()
    fitness.stop()
    for (const one of conditions) one.stop()
    await app.close()
    // Until then it can be seen how far it is.
    connections.internal.close()
    await internalApp.close()
    await leader.stop()
    await publisher.close()
    await database.close()
    redis.disconnect()
    publishing.disconnect()
  }
  return {
    app,
    internalApp,
    leader,
    seal,
    listen: async () => {
      const open = await listenOn(app, { host: config.HOST, port: config.PORT })
      const inside = await internalAddress(config, open.port)
      const internal = await listenOn(internalApp, inside, INTERNAL_VARIABLES)
      database.start()
      leader.start()
      return { url: open.url, internalUrl: internal.url }
    },
    stop: () => (stopped ??= stop()),
  }
}

async function listenOn(
  app: HttpApp,
  { host, port }: { host: string; port: number },
  variables?: string,
): Promise<{ url: string; port: number }> {
  await app.listen({ port, host }).catch((error: unknown) => {
    throw isListenError(error) ? cannotListen(host, port, variables) : error
  })
  const bound: AddressInfo | string | null = app.server.address()
  if (bound === null || typeof bound === 'string') throw new Error('listening on no port')
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return { url: `http://${name}:${bound.port}`, port: bound.port }
}

const isListenError = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && (error.syscall === 'listen' || error.syscall === 'getaddrinfo')
