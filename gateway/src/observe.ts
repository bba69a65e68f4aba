/** The metrics of a gateway, for Prometheus. Each gateway has its own registry, so that several fit in one process. */
import { countBudgets, metricSet } from '@rhizom/process'
import { collectDefaultMetrics } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** What is read at the moment somebody asks for the metrics. */
export interface Gauged {
  connections(): number
  heldBytes(): ReadonlyMap<string, number>
  connectionStates(): ReadonlyMap<string, number>
  feeds(): number
  parked(): number
  revoked(): number
  newsFollowers(): number
  isRedisUp(): boolean
}

export function createMetrics() {
  const set = metricSet('rhizom_gateway_')
  const { registry, counter, histogram } = set
  return {
    set,
    registry,
    framesOut: counter('frames_out_total', 'Frames fanned out to clients, one for each client'),
    bytesOut: counter('bytes_out_total', 'Bytes fanned out to clients'),
    framesIn: counter('frames_in_total', 'Frames from clients', ['type']),
    answers: counter('answers_total', 'Answers to subscribe, by what they were made of', ['kind', 'source']),
    messagesIn: counter('bus_messages_total', 'Messages from the bus', ['kind']),
    opened: counter('bus_opened_total', 'Signatures looked at on what came from Redis, by outcome', ['outcome']),
    feedNotes: counter('feed_notes_total', 'What feeds met: gaps, parked, duplicate and stale messages', ['what']),
    logReads: counter('log_reads_total', 'Reads of the log through the api', ['reason']),
    logReadFailures: counter('log_read_failures_total', 'Reads of the log that failed'),
    headsPolls: counter('heads_polls_total', 'Times the api was asked for heads', ['outcome']),
    revocationPolls: counter('revocation_polls_total', 'Times the api was asked who was removed', ['outcome']),
    newsQuestions: counter('news_questions_total', 'Times the api was asked what is new to followers', ['outcome']),
    newsFrames: counter('news_frames_total', 'Frames that told a client what is new'),
    closes: counter('closes_total', 'Connections closed by the gateway', ['code']),
    refusedConnections: counter('refused_connections_total', 'Connections refused when opening', ['reason']),
    evictions: counter('evictions_total', 'Subscriptions ended by the gateway', ['code']),
    memoryReleases: counter('memory_releases_total', 'Times MAX_HELD_BYTES was reached, by what was let go of', ['of']),
    slowReaders: counter('slow_readers_total', 'Connections closed because their client read too slowly'),
    signals: counter('signals_total', 'Signals published for clients'),
    budget: countBudgets(set),
    faults: counter('faults_total', 'Faults of our own that were contained, by what they met', ['behind']),
    busErrors: counter('redis_errors_total', 'Errors of the connections to Redis'),
    batchFrames: histogram('batch_frames', 'Frames that left together in one message', [1, 2, 4, 8, 16, 32, 64, 128]),
  }
}

/** Adds the gauges, which read the gateway when asked. */
export function gauge({ set }: Metrics, of: Gauged): void {
  set.watch('connections', 'Open connections', of.connections)
  set.watchEach('held_bytes', 'Bytes held of MAX_HELD_BYTES, by for what', 'of', of.heldBytes)
  set.watch('feeds', 'Spaces followed', of.feeds)
  set.watch('parked_messages', 'Messages waiting for one before them', of.parked)
  set.watch('revoked_beings', 'Removed beings whose tokens are refused', of.revoked)
  set.watch('news_followers', 'Connections that are told what is new', of.newsFollowers)
  set.watch('redis_up', '1 while the bus is joined to every watched space', () => (of.isRedisUp() ? 1 : 0))
  set.watchEach('connections_by_status', 'Open connections by status', 'status', of.connectionStates)
}

/** Memory, event loop delay and the like, of the whole process. */
export const observeProcess = ({ registry }: Metrics): void => collectDefaultMetrics({ register: registry })
