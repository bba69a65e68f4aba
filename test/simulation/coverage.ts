/**
 * What happened in a run, counted by the parts themselves: a simulation in which no message ever comes too early
 * proves nothing about messages that do. Gateways are asked for their metrics, the rest is told by the world.
 */
import type { Metrics } from '../../gateway/src/observe.ts'
import type { PresenceMetrics } from '../../gateway/src/presence/metrics.ts'
import { FINAL_SCENARIOS } from './plan.ts'

export type Coverage = Map<string, number>

export function add(coverage: Coverage, what: string, times = 1): void {
  if (times > 0) coverage.set(what, (coverage.get(what) ?? 0) + times)
}

export function addAll(to: Coverage, from: Coverage): void {
  for (const [what, times] of from) add(to, what, times)
}

const COUNTED = [
  'feedNotes',
  'answers',
  'logReads',
  'closes',
  'evictions',
  'slowReaders',
  'logReadFailures',
  'headsPolls',
] as const

const COUNTED_OF_PRESENCE = ['frames', 'hints', 'reads', 'leasesTaken', 'gatewaysGone', 'orphansRemoved'] as const

/** Adds what a gateway counted of who is here, as `presence frames frozen` and so on. */
export async function addPresence(coverage: Coverage, metrics: PresenceMetrics): Promise<void> {
  for (const name of COUNTED_OF_PRESENCE) {
    const { values } = await metrics[name].get()
    for (const { labels, value } of values) add(coverage, ['presence', name, ...Object.values(labels)].join(' '), value)
  }
}

/** Adds what a gateway counted, as `feedNotes parked`, `answers snapshot cache` and so on. */
export async function addMetrics(coverage: Coverage, metrics: Metrics): Promise<void> {
  for (const name of COUNTED) {
    const { values } = await metrics[name].get()
    for (const { labels, value } of values) add(coverage, [name, ...Object.values(labels)].join(' '), value)
  }
}

/** What has to have happened in a few hundred seeds, or they are not worth their time. */
export const EXPECTED: readonly string[] = [
  'feedNotes gap',
  'feedNotes stale',
  'feedNotes duplicate',
  'feedNotes parked',
  'feedNotes parked-overflow',
  'feedNotes reset',
  'feedNotes found-behind',
  'answers snapshot cache',
  'answers snapshot log',
  'answers resumed ring',
  'answers resumed log',
  'logReads open',
  'logReads gap',
  'logReads resume',
  'logReads snapshot',
  'logReads heads',
  'logReadFailures',
  'headsPolls answered',
  'headsPolls failed',
  'closes 4000',
  'closes 4001',
  'closes 4002',
  'closes 4003',
  'evictions revoked',
  'evictions removed',
  'slowReaders',
  'client connecting',
  'client authenticating',
  'client live',
  'client draining',
  'client waiting',
  'client renewing',
  'space paused',
  'space asking',
  'space current',
  'space retrying',
  'space closed',
  'op comeIn',
  'op goOut',
  'op state',
  'op signal',
  'op stepClientDate',
  'op storeSuffers',
  'op stepGatewayDate',
  'op redisEmptied',
  'op redisRestarts',
  'op redisStandsStill',
  'op replicaPromoted',
  'presence frames change',
  'presence frames frozen',
  'presence hints sent',
  'presence hints heard',
  'presence hints unreadable',
  'presence reads answered',
  'presence reads failed',
  'presence leasesTaken',
  'presence gatewaysGone',
  'presence orphansRemoved',
  'a blink was looked for',
  'a departure was looked for',
  'a signal was looked for',
  ...FINAL_SCENARIOS.map((scenario) => `final scenario ${scenario}`),
]
