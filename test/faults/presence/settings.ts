/** Presence settings of the rig's gateways: short, so that a crash is over within a drill, and longer than any cut. */

/** A lease stands for at least 2.26 s after the last sign of its gateway; a link that is cut carries again sooner. */
export const LEASE_MS = 4_000
/** A client that lost its connection is mostly back within this. */
export const GRACE_MS = 1_000
/** Longer than a gateway may be silent before the others take it for dead. */
export const PAST_LEASE_MS = LEASE_MS + 800

export const PRESENCE_SETTINGS = {
  PRESENCE_LEASE_MS: String(LEASE_MS),
  PRESENCE_GRACE_MS: String(GRACE_MS),
} as const

/** As a run says it of itself. */
export const PRESENCE_FACTS = `presence lease ${LEASE_MS / 1_000} s, grace ${GRACE_MS / 1_000} s`

/** How long everything that tells of presence may take after healing until it is exact. */
export const EXACT_WITHIN_MS = LEASE_MS + 8_000
