/** The metrics of an api node, and the log that its parts write to. */
import { countBudgets, metricSet, SECONDS } from '@rhizom/process'
import { collectDefaultMetrics } from 'prom-client'

export interface Gauges {
  requestsUnderWay: () => number
  bodyBytes: () => number
  queuedMutations: () => number
  databaseLent: () => number
  databaseWaiting: () => number
}

export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const set = metricSet('rhizom_api_')
  const { registry, counter, gauge, histogram } = set
  collectDefaultMetrics({ register: registry })
  return {
    set,
    registry,
    /** Gauges that are read when asked for. */
    watch(gauges: Gauges): void {
      set.watch('requests_under_way', 'Requests whose body is there and whose answer is not', gauges.requestsUnderWay)
      set.watch('body_bytes', 'Bytes of bodies of all requests, whole or not', gauges.bodyBytes)
      set.watch('queued_mutations', 'Mutations waiting for their transaction', gauges.queuedMutations)
      set.watch('database_connections_lent', 'Connections to Postgres in use', gauges.databaseLent)
      set.watch('database_waiting', 'Requests waiting for a connection to Postgres', gauges.databaseWaiting)
    },
    requestSeconds: histogram('request_seconds', 'Time to answer, by route and status', SECONDS, [
      'method',
      'route',
      'status',
    ]),
    mutations: counter('mutations_total', 'Mutations answered, by name and status', ['name', 'status']),
    commitSeconds: histogram('commit_seconds', 'Time of one transaction of writes, retries included', SECONDS),
    commitMutations: histogram(
      'commit_mutations',
      'Mutations that shared a transaction',
      [1, 2, 5, 10, 20, 50, 100, 200, 500],
    ),
    commitRetries: counter('commit_retries_total', 'Transactions begun anew because another was in the way'),
    published: counter(
      'published_messages_total',
      'Messages of changes given to Redis, by outcome; the log covers those dropped',
      ['outcome'],
    ),
    opened: counter('bus_opened_total', 'Signatures looked at on what came from Redis, by outcome', ['outcome']),
    headsLeader: gauge('heads_leader', '1 while this node announces the heads'),
    headsAnnounced: counter('heads_announced_total', 'Announcements of heads, by outcome', ['outcome']),
    revocations: counter(
      'revocations_published_total',
      'Messages of removed beings given to Redis, by outcome; gateways can ask for those dropped',
      ['outcome'],
    ),
    workHints: counter(
      'work_hints_total',
      'Hints that there is something to claim given to Redis, by outcome; bots ask for what was dropped',
      ['outcome'],
    ),
    newsHints: counter(
      'news_hints_total',
      'Hints that a space became another one to somebody given to Redis, by outcome; gateways ask now and then',
      ['outcome'],
    ),
    expiredLeases: counter('expired_leases_total', 'Claims taken away because their lease had run out'),
    pruned: counter('pruned_rows_total', 'Rows of log and ledger that were old enough to go', ['table']),
    newEpochs: counter(
      'new_histories_total',
      'Times that every space was given a new epoch, because the database lives in another run of Postgres',
    ),
    internalReads: counter('internal_reads_total', 'Reads by gateways, by what they were given', ['kind']),
    lastSeen: counter(
      'last_seen_total',
      'Beings of whom a gateway reported that they left, once for each time it was news',
    ),
    turnedAway: counter(
      'turned_away_total',
      'Connections, requests and bodies refused because a bound or a share of it was reached',
      ['what', 'whose'],
    ),
    budget: countBudgets(set),
  }
}
