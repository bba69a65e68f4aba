/**
 * Metrics and log of one api node. Each node has its own registry, so that several can live in one process.
 */
import { pino, type Logger } from 'pino'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

export type Log = Logger

export const createLog = (level: string): Log => pino({ level, base: { process: 'api' } })

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

export interface Gauges {
  requestsUnderWay: () => number
  bodyBytes: () => number
  queuedMutations: () => number
  databaseLent: () => number
  databaseWaiting: () => number
}

export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return {
    registry,
    /** Gauges that are read when asked for. */
    watch(gauges: Gauges): void {
      const gauge = (name: string, help: string, read: () => number) =>
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read())
          },
        })
      gauge(
        'rhizom_api_requests_under_way',
        'Requests whose body is there and whose answer is not',
        gauges.requestsUnderWay,
      )
      gauge('rhizom_api_body_bytes', 'Bytes of bodies of all requests, whole or not', gauges.bodyBytes)
      gauge('rhizom_api_queued_mutations', 'Mutations waiting for their transaction', gauges.queuedMutations)
      gauge('rhizom_api_database_connections_lent', 'Connections to Postgres in use', gauges.databaseLent)
      gauge('rhizom_api_database_waiting', 'Requests waiting for a connection to Postgres', gauges.databaseWaiting)
    },
    requestSeconds: new Histogram({
      name: 'rhizom_api_request_seconds',
      help: 'Time to answer, by route and status',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS,
      registers,
    }),
    mutations: new Counter({
      name: 'rhizom_api_mutations_total',
      help: 'Mutations answered, by name and status',
      labelNames: ['name', 'status'],
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'rhizom_api_commit_seconds',
      help: 'Time of one transaction of writes, retries included',
      buckets: SECONDS,
      registers,
    }),
    commitMutations: new Histogram({
      name: 'rhizom_api_commit_mutations',
      help: 'Mutations that shared a transaction',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
      registers,
    }),
    commitRetries: new Counter({
      name: 'rhizom_api_commit_retries_total',
      help: 'Transactions begun anew because another was in the way',
      registers,
    }),
    published: new Counter({
      name: 'rhizom_api_published_messages_total',
      help: 'Messages of changes given to Redis, by outcome; the log covers those dropped',
      labelNames: ['outcome'],
      registers,
    }),
    headsLeader: new Gauge({
      name: 'rhizom_api_heads_leader',
      help: '1 while this node leads: announces the heads and prunes',
      registers,
    }),
    headsAnnounced: new Counter({
      name: 'rhizom_api_heads_announced_total',
      help: 'Announcements of heads, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    revocations: new Counter({
      name: 'rhizom_api_revocations_published_total',
      help: 'Messages of removed beings given to Redis, by outcome; gateways can ask for those dropped',
      labelNames: ['outcome'],
      registers,
    }),
    pruned: new Counter({
      name: 'rhizom_api_pruned_rows_total',
      help: 'Rows of log and ledger that were old enough to go',
      labelNames: ['table'],
      registers,
    }),
    newEpochs: new Counter({
      name: 'rhizom_api_new_histories_total',
      help: 'Times that every space was given a new epoch, because the database lives in another run of Postgres',
      registers,
    }),
    internalReads: new Counter({
      name: 'rhizom_api_internal_reads_total',
      help: 'Reads by gateways, by what they were given',
      labelNames: ['kind'],
      registers,
    }),
    lastSeen: new Counter({
      name: 'rhizom_api_last_seen_total',
      help: 'Beings of whom a gateway reported that they left, once for each time it was news',
      registers,
    }),
    turnedAway: new Counter({
      name: 'rhizom_api_turned_away_total',
      help: 'Connections, requests and bodies refused because a bound or a share of it was reached',
      labelNames: ['what', 'whose'],
      registers,
    }),
    rateLimited: new Counter({
      name: 'rhizom_api_rate_limited_total',
      help: 'Requests measured against a rate limit, by outcome; unanswered or skipped while Redis is away',
      labelNames: ['outcome'],
      registers,
    }),
  }
}
