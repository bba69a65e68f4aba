/** What presence does and costs, for Prometheus. */
import { Counter, Gauge, type Registry } from 'prom-client'

export interface PresenceGauged {
  readonly entryCount: number
  readonly hasLease: boolean
  readonly frozenCount: number
}

export type PresenceMetrics = ReturnType<typeof createPresenceMetrics>

const PREFIX = 'rhizom_gateway_presence_'

export function createPresenceMetrics() {
  const made: (Counter | Gauge)[] = []
  const counter = <Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) => {
    const one = new Counter<Label>({ name: `${PREFIX}${name}`, help, labelNames: [...labelNames], registers: [] })
    made.push(one)
    return one
  }
  return {
    frames: counter('frames_total', 'Presence frames, one for all clients of a space; frozen ones apart', ['kind']),
    hints: counter('hints_total', 'Hints of writes to presence in Redis', ['direction']),
    reads: counter('reads_total', 'Reads of the presence of a space in Redis', ['outcome']),
    orphansRemoved: counter('orphans_removed_total', 'Entries of dead gateways removed from Redis'),
    gatewaysGone: counter('gateways_gone_total', 'Other gateways whose lease was found to be gone'),
    leasesTaken: counter('leases_taken_total', 'Times a lease was taken; once per start unless one was lost'),
    redisCommands: counter('redis_commands_total', 'Commands that presence sent to Redis', ['command']),
    wrongTypes: counter('wrong_types_total', 'Replies of keys in Redis that hold something else than they should'),
    lastSeen: counter('last_seen_total', 'Beings whose last-seen time was given to the api', ['outcome']),
    register(registry: Registry, of: PresenceGauged): void {
      const gauge = (name: string, help: string, value: () => number): void => {
        const one: Gauge = new Gauge({ name: `${PREFIX}${name}`, help, registers: [], collect: () => one.set(value()) })
        made.push(one)
      }
      gauge('entries', 'Beings here through this gateway, counted once for each space', () => of.entryCount)
      gauge('lease_held', '1 while this gateway has its lease', () => (of.hasLease ? 1 : 0))
      gauge('frozen_spaces', 'Watched spaces whose roster is not known exactly', () => of.frozenCount)
      for (const one of made) registry.registerMetric(one)
    },
  }
}
