/**
 * Which way a gateway is reached, or the api where none can be: by WebSocket, by server-sent events, by asking the api
 * again and again. Each attempt that fails counts against its way; enough of them, and the next way is tried. From a
 * lower way the best one is tried again and again, while the lower one serves.
 */
import { type Backoff, backoffMs } from '@rhizom/machine'
import { isGatewaysOwn } from '@rhizom/protocol'
import type { DisconnectCause } from './connection-state.ts'

export type TransportName = 'websocket' | 'sse' | 'polling'

/** From the best to the last resort. */
export const TRANSPORTS: readonly TransportName[] = ['websocket', 'sse', 'polling']

export interface TransportChoice {
  readonly name: TransportName
  /** How much has spoken against it in a row. */
  readonly failures: number
  /** Connections by the best way, one after another, that did not last: then it is tried the more rarely. */
  readonly shortLived: number
}

/**
 * A way that is refused at once may be back in a moment: a gateway restarts. One that is mute is not worth waiting for.
 */
const ENOUGH = 2
/**
 * When the best way is tried again: rarely at first, ever more rarely then, and spread over those who lost it together.
 */
export const PROBE_BACKOFF: Backoff = { minMs: 4_000, baseMs: 8_000, maxMs: 300_000 }

export const firstChoice = (order: readonly TransportName[]): TransportChoice => ({
  name: order[0] ?? 'websocket',
  failures: 0,
  shortLived: 0,
})

/** The best way is to be tried next, though not for long. */
export const anew = (choice: TransportChoice, order: readonly TransportName[] = TRANSPORTS): TransportChoice => ({
  ...choice,
  name: order[0] ?? choice.name,
  failures: ENOUGH - 1,
})

/** How much an end of an attempt or of a connection says against the way it was made. */
function weightOf(cause: DisconnectCause): number {
  switch (cause.kind) {
    case 'unreachable':
      return 1
    case 'timedOut':
      return cause.during === 'renewing' ? 0 : ENOUGH
    case 'silent':
      return 1
    case 'closed':
      // A code of the gateway's own came through: the way is good.
      return isGatewaysOwn(cause.code) ? 0 : 1
    case 'drained':
    case 'tokenUnavailable':
    case 'sessionEnded':
      return 0
    default:
      return cause satisfies never
  }
}

/**
 * After an attempt failed, or a connection ended that did not last. Behind the last way comes the best again: with
 * everything dead none is better than another.
 */
export function afterFailure(
  choice: TransportChoice,
  cause: DisconnectCause,
  order: readonly TransportName[] = TRANSPORTS,
): TransportChoice {
  const failures = choice.failures + weightOf(cause)
  if (failures < ENOUGH) return failures === choice.failures ? choice : { ...choice, failures }
  const next = order[(order.indexOf(choice.name) + 1) % order.length] ?? choice.name
  return { ...choice, name: next, failures: next === choice.name ? 0 : ENOUGH - 1 }
}

/** After a connection was made. */
export const afterSuccess = (choice: TransportChoice, name: TransportName): TransportChoice => ({
  ...choice,
  name,
  failures: 0,
})

/** After a connection ended, that had lasted for a while or had not. */
export function afterConnection(
  choice: TransportChoice,
  cause: DisconnectCause,
  lasted: boolean,
  order: readonly TransportName[] = TRANSPORTS,
): TransportChoice {
  const isBest = choice.name === order[0]
  if (lasted) return isBest ? { ...choice, shortLived: 0 } : choice
  const next = afterFailure(choice, cause, order)
  return isBest && next !== choice ? { ...next, shortLived: choice.shortLived + 1 } : next
}

/** The best way, if this is not it, and how long to wait before it is tried. */
export function probeOf(
  choice: TransportChoice,
  random: number,
  order: readonly TransportName[] = TRANSPORTS,
): { transport: TransportName; delayMs: number } | undefined {
  const [best] = order
  if (best === undefined || best === choice.name) return undefined
  return { transport: best, delayMs: backoffMs(PROBE_BACKOFF, choice.shortLived, random) }
}
