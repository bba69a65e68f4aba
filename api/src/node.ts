/** Puts one api node together and takes it apart again. Wiring only: every decision is made elsewhere. */
import type { AddressInfo } from 'node:net'
import type { Config } from './config.ts'
import { commitUnits } from './db/commit.ts'
import { Database } from './db/database.ts'
import { GroupCommit } from './db/group-commit.ts'
import { failPoint } from './fail-point.ts'
import { buildApp } from './http/app.ts'
import { OpenConnections } from './http/open-connections.ts'
import { RateLimiter } from './http/rate-limit.ts'
import type { App } from './http/route.ts'
import { shareOf, UnderWay } from './http/under-way.ts'
import { sessionTokens } from './http/session-token.ts'
import { createMetrics, type Log } from './observe.ts'
import { HeadsAnnouncer } from './publish/heads.ts'
import { Publisher } from './publish/publisher.ts'
import { revokedForMs } from './publish/revoked.ts'
import { connectRedis } from './redis.ts'
import { Pruner } from './upkeep/pruner.ts'

export interface ApiNode {
  app: App
  heads: HeadsAnnouncer
  /** Begins to serve; resolves with the url. */
  listen: () => Promise<string>
  /** Stops accepting, finishes what is under way, closes everything. Calling it again waits for the same stop. */
  stop: () => Promise<void>
}

export async function createNode(config: Config, log: Log): Promise<ApiNode> {
  const metrics = createMetrics()
  const database = new Database({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL,
    deadlineMs: config.DATABASE_DEADLINE_MS,
    name: 'rhizom-api',
  })
  // Two connections, so that a large publish never delays an answer.
  const redis = connectRedis(config.REDIS_URL, 'rhizom-api', log)
  const publishing = connectRedis(config.REDIS_URL, 'rhizom-api-publish', log)
  const publisher = new Publisher(publishing, metrics, revokedForMs(config.TOKEN_TTL_SECONDS))
  const commitOptions = { maxContentBytes: config.MAX_CONTENT_BYTES, onRetry: () => metrics.commitRetries.inc() }
  const writes = new GroupCommit({
    maxMutations: config.COMMIT_MUTATIONS,
    maxQueued: config.MAX_QUEUED_MUTATIONS,
    maxWaitMs: config.DATABASE_DEADLINE_MS,
    commit: async (space, units) => {
      const committed = metrics.commitSeconds.startTimer()
      metrics.commitMutations.observe(units.reduce((sum, { mutations }) => sum + mutations.length, 0))
      try {
        return await commitUnits(database, space, units, commitOptions)
      } finally {
        committed()
      }
    },
    committed: ({ changes, removed }) => {
      failPoint('after-commit', config.FAIL_POINT)
      publisher.publish(changes)
      publisher.revoke(removed)
    },
    // Gateways find out by the heads.
    onFault: (thrown) => log.error({ err: thrown }, 'what was committed could not be published'),
  })
  const underWay = new UnderWay(config, metrics)
  metrics.watch({
    requestsUnderWay: () => underWay.requests,
    bodyBytes: () => underWay.bodyBytes,
    queuedMutations: () => writes.queued,
    databaseLent: () => database.lent,
    databaseWaiting: () => database.waiting,
  })
  const heads = new HeadsAnnouncer(
    {
      databaseUrl: config.DATABASE_URL,
      intervalMs: config.HEADS_INTERVAL_MS,
      windowMs: config.HEADS_WINDOW_MS,
      revokedForMs: revokedForMs(config.TOKEN_TTL_SECONDS),
      deadlineMs: config.DATABASE_DEADLINE_MS,
    },
    publishing,
    metrics,
    log,
  )
  const pruner = new Pruner(
    database,
    {
      retention: {
        logSeconds: config.LOG_KEEP_SECONDS,
        logChanges: config.LOG_KEEP_CHANGES,
        ledgerSeconds: config.LEDGER_KEEP_SECONDS,
      },
      intervalMs: config.PRUNE_INTERVAL_MS,
      isLeader: () => heads.isLeader,
    },
    metrics,
    log,
  )
  const connections = new OpenConnections({
    all: config.MAX_CONNECTIONS,
    perAddress: config.TRUST_PROXY > 0 ? undefined : shareOf(config.MAX_CONNECTIONS, config.ADDRESS_SHARE_PERCENT),
    refused: (whose) => metrics.turnedAway.inc({ what: 'connections', whose }),
  })
  let stopped: Promise<void> | undefined
  const app = await buildApp({
    config,
    log,
    metrics,
    database,
    writes,
    publisher,
    redis,
    limiter: new RateLimiter(redis, metrics),
    tokens: sessionTokens(config.TOKEN_SECRET, config.TOKEN_TTL_SECONDS),
    connections,
    underWay,
    isStopping: () => stopped !== undefined,
  })
  const stop = async (): Promise<void> => {
    // Every write is awaited by the request that asked for it, so when the last request is answered none is left.
    connections.close()
    await app.close()
    await Promise.all([heads.stop(), pruner.stop()])
    await publisher.close()
    await database.close()
    redis.disconnect()
    publishing.disconnect()
  }
  return {
    app,
    heads,
    listen: async () => {
      await app.listen({ port: config.PORT, host: config.HOST })
      heads.start()
      pruner.start()
      return urlOf(app.server.address())
    },
    stop: () => (stopped ??= stop()),
  }
}

function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') throw new Error('listening on no port')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
