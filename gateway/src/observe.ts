/** The metrics of a gateway, for Prometheus. Each gateway has its own registry, so that several fit in one process. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** What is read at the moment somebody asks for the metrics. */
export interface Gauged {
  connections(): number
  connectionStates(): ReadonlyMap<string, number>
  feeds(): number
  parked(): number
  revoked(): number
  isRedisUp(): boolean
}

const PREFIX = 'rhizom_gateway_'

export function createMetrics() {
  const registry = new Registry()
  const counter = <Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter<Label>({ name: `${PREFIX}${name}`, help, labelNames: [...labelNames], registers: [registry] })
  return {
    registry,
    framesOut: counter('frames_out_total', 'Frames fanned out to clients, one for each client'),
    bytesOut: counter('bytes_out_total', 'Bytes fanned out to clients'),
    framesIn: counter('frames_in_total', 'Frames from clients', ['type']),
    answers: counter('answers_total', 'Answers to subscribe, by what they were made of', ['kind', 'source']),
    messagesIn: counter('bus_messages_total', 'Messages from the bus', ['kind']),
    feedNotes: counter('feed_notes_total', 'What feeds met: gaps, parked, duplicate and stale messages', ['what']),
    logReads: counter('log_reads_total', 'Reads of the log through the api', ['reason']),
    logReadFailures: counter('log_read_failures_total', 'Reads of the log that failed'),
    headsPolls: counter('heads_polls_total', 'Times the api was asked for heads', ['outcome']),
    revocationPolls: counter('revocation_polls_total', 'Times the api was asked who was removed', ['outcome']),
    closes: counter('closes_total', 'Connections closed by the gateway', ['code']),
    refusedConnections: counter('refused_connections_total', 'Connections refused when opening', ['reason']),
    evictions: counter('evictions_total', 'Subscriptions ended by the gateway', ['code']),
    slowReaders: counter('slow_readers_total', 'Connections closed because their client read too slowly'),
    signals: counter('signals_total', 'Signals published for clients'),
    faults: counter('faults_total', 'Faults of our own that were contained, by what they met', ['behind']),
    busErrors: counter('redis_errors_total', 'Errors of the connections to Redis'),
    batchFrames: new Histogram({
      name: `${PREFIX}batch_frames`,
      help: 'Frames that left together in one message',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128],
      registers: [registry],
    }),
  }
}

/** Adds the gauges, which read the gateway when asked. */
export function gauge({ registry }: Metrics, of: Gauged): void {
  const add = (name: string, help: string, value: () => number): void => {
    const made: Gauge = new Gauge({
      name: `${PREFIX}${name}`,
      help,
      registers: [registry],
      collect: () => made.set(value()),
    })
  }
  add('connections', 'Open connections', of.connections)
  add('feeds', 'Spaces followed', of.feeds)
  add('parked_messages', 'Messages waiting for one before them', of.parked)
  add('revoked_beings', 'Removed beings whose tokens are refused', of.revoked)
  add('redis_up', '1 while the bus is joined to every watched space', () => (of.isRedisUp() ? 1 : 0))
  const byStatus: Gauge<'status'> = new Gauge({
    name: `${PREFIX}connections_by_status`,
    help: 'Open connections by status',
    labelNames: ['status'],
    registers: [registry],
    collect: () => {
      byStatus.reset()
      for (const [status, count] of of.connectionStates()) byStatus.set({ status }, count)
    },
  })
}

/** Memory, event loop delay and the like, of the whole process. */
export const observeProcess = ({ registry }: Metrics): void => collectDefaultMetrics({ register: registry })
