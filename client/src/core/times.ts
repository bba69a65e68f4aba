/** How long the client waits for what, on the clock that never goes back. */
import type { Backoff } from '@rhizom/machine'

/** Between attempts of anything that failed: to connect, to subscribe, to renew a token, to send mutations. */
export const BACKOFF: Backoff = { minMs: 200, baseMs: 400, maxMs: 15_000 }

/**
 * Between renewals that bring tokens which seem used up: a device that mistakes the date must not renew without end.
 */
export const USED_UP_BACKOFF: Backoff = { minMs: 1_000, baseMs: 1_000, maxMs: 900_000 }

export const CONNECTION_TIMES = {
  connectTimeoutMs: 10_000,
  renewTimeoutMs: 20_000,
  /** A connection that lived this long counts as a success and forgives the failures before it. */
  lastingAfterMs: 5_000,
  /** After the page woke up or the network changed, an answer to a ping is due within this. */
  probeMs: 4_000,
  /** And after the device said that it has no network: most of the time that is true, and to be shown. */
  lostProbeMs: 1_000,
} as const

export const HANDOVER_TIMES = {
  /** For the next connection to open and to be welcomed. */
  openMs: 6_000,
  /** For all spaces to be answered over it. */
  moveMs: 3_000,
} as const

export const SUBSCRIPTION_TIMES = {
  answerTimeoutMs: 10_000,
  /** A subscription that was current for this long forgives the failures before it. */
  lastingAfterMs: 5_000,
} as const

/** Five states a second in one space: a cursor moves well, and a connection may say twenty things a second. */
export const OWN_STATE_WINDOW_MS = 200

export const WATCH_TIMES = {
  /** How long a space that nobody watches any more stays subscribed. */
  lingerMs: 30_000,
  /** How long one still counts as here after the last who was has left. */
  leaveAfterMs: 1_000,
} as const
