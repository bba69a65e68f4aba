/** Times of the contract, in milliseconds. Used as `TIMES.heartbeatMs`, for the reason that `limit.ts` gives. */
export const helloTimeoutMs = 10_000
/** From the first byte of a request over HTTP to its last. */
export const requestTimeoutMs = 10_000
export const heartbeatMs = 20_000
/** Silence for this many heartbeats means that the connection is dead. */
export const deadAfterHeartbeats = 2.5
/** A longer lease is cut to this. */
export const maxLeaseMs = 600_000
