/**
 * From what was measured to what is shown: one row for each system and load, the middle one of several rounds, and what
 * is left out with the reason. Pure.
 */
import { Delays } from './marks.ts'
import type { Delivery, Idle } from './profiles.ts'

export type Measured =
  | { profile: 'fan-out' | 'jitter'; peer: string; round: number; load: string; delivery: Delivery }
  | { profile: 'idle'; peer: string; round: number; load: string; idle: Idle }

export interface Discarded {
  what: string
  why: string
}

export interface Row {
  profile: Measured['profile']
  peer: string
  load: string
  rounds: number
  /** Of a delivery: processor time of the server. */
  microseconds?: number
  p50Ms?: number | undefined
  p99Ms?: number | undefined
  /** After the return of a client that was cut off. */
  returnP50Ms?: number | undefined
  returnP99Ms?: number | undefined
  deliveredShare?: number
  lost?: number
  twice?: number
  outOfOrder?: number
  bytesADelivery?: number
  serverBusy?: number
  bytesEach?: number
}

/** Clients without time left measure themselves. */
const CLIENTS_BUSY = 0.95

/** Why a measurement says nothing of the system; undefined where it does. */
export function discardReason(measured: Measured): string | undefined {
  if (measured.profile === 'idle') return undefined
  const { delivery } = measured
  if (delivery.delivered === 0) return 'nothing was delivered'
  if (delivery.busy <= CLIENTS_BUSY) return undefined
  return `the clients had no time left (${(100 * delivery.busy).toFixed(0)} % of their core)`
}

/** The middle one; of an even number the lower of the two. */
export function median<T>(all: readonly T[], by: (one: T) => number): T | undefined {
  const sorted = all.toSorted((a, b) => by(a) - by(b))
  return sorted[Math.floor((sorted.length - 1) / 2)]
}

function percentile(counts: readonly number[], share: number): number | undefined {
  const delays = new Delays()
  for (const [ms, count] of counts.entries()) {
    delays.counts[ms] = count
    delays.count += count
  }
  return delays.at(share)
}

const microsecondsOf = ({ serverCpuMs, delivered }: Delivery): number => (1_000 * serverCpuMs) / Math.max(1, delivered)

function deliveryRow(base: Pick<Row, 'profile' | 'peer' | 'load' | 'rounds'>, delivery: Delivery): Row {
  const { sent, clients, delivered, twice, outOfOrder, bytes, delays, delaysAfterReturn, serverBusy } = delivery
  const due = sent * clients
  return {
    ...base,
    microseconds: microsecondsOf(delivery),
    p50Ms: percentile(delays, 0.5),
    p99Ms: percentile(delays, 0.99),
    returnP50Ms: percentile(delaysAfterReturn, 0.5),
    returnP99Ms: percentile(delaysAfterReturn, 0.99),
    deliveredShare: delivered / Math.max(1, due),
    lost: due - delivered,
    twice,
    outOfOrder,
    bytesADelivery: bytes / Math.max(1, delivered),
    serverBusy,
  }
}

/** One row for each system and load, in the order of their first measurement. */
export function rowsOf(measurements: readonly Measured[]): Row[] {
  const groups = Map.groupBy(measurements, ({ profile, peer, load }) => `${profile}\n${load}\n${peer}`)
  return [...groups.values()].flatMap((group): Row[] => {
    const first = group[0]
    if (first === undefined) return []
    const base = { profile: first.profile, peer: first.peer, load: first.load, rounds: group.length }
    if (first.profile === 'idle') {
      const idles = group.flatMap((one) => (one.profile === 'idle' ? [one.idle] : []))
      const middle = median(idles, ({ bytesEach }) => bytesEach)
      return middle === undefined ? [] : [{ ...base, bytesEach: middle.bytesEach }]
    }
    const deliveries = group.flatMap((one) => (one.profile === 'idle' ? [] : [one.delivery]))
    const middle = median(deliveries, microsecondsOf)
    return middle === undefined ? [] : [deliveryRow(base, middle)]
  })
}
