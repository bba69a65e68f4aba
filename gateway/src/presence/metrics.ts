/** What presence does and costs, for Prometheus: metrics of the gateway whose names begin with `presence_`. */
import { type MetricSet, metricSet } from '@rhizom/process'

export interface PresenceGauged {
  readonly entryCount: number
  readonly hasLease: boolean
  readonly frozenCount: number
}

export type PresenceMetrics = ReturnType<typeof createPresenceMetrics>

export const createPresenceMetrics = ({ counter }: MetricSet = metricSet('')) => ({
  frames: counter('presence_frames_total', 'Presence frames, one for all clients of a space; frozen ones apart', [
    'kind',
  ]),
  hints: counter('presence_hints_total', 'Hints of writes to presence in Redis', ['direction']),
  reads: counter('presence_reads_total', 'Reads of the presence of a space in Redis', ['outcome']),
  orphansRemoved: counter('presence_orphans_removed_total', 'Entries of dead gateways removed from Redis'),
  gatewaysGone: counter('presence_gateways_gone_total', 'Other gateways whose lease was found to be gone'),
  leasesTaken: counter('presence_leases_taken_total', 'Times a lease was taken; once per start unless one was lost'),
  redisCommands: counter('presence_redis_commands_total', 'Commands that presence sent to Redis', ['command']),
  wrongTypes: counter(
    'presence_wrong_types_total',
    'Replies of keys in Redis that hold something else than they should',
  ),
  lastSeen: counter('presence_last_seen_total', 'Beings whose last-seen time was given to the api', ['outcome']),
})

export function watchPresence({ watch }: MetricSet, of: PresenceGauged): void {
  watch('presence_entries', 'Beings here through this gateway, counted once for each space', () => of.entryCount)
  watch('presence_lease_held', '1 while this gateway has its lease', () => (of.hasLease ? 1 : 0))
  watch('presence_frozen_spaces', 'Watched spaces whose roster is not known exactly', () => of.frozenCount)
}
