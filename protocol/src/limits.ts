/**
 * The bounds of the contract with their defaults. Both processes take overrides from their environment; clients use
 * the defaults to refuse early. Sizes are bytes of UTF-8 unless a name says otherwise.
 */
export const LIMITS = {
  maxFrameBytes: 64 * 1024,
  maxContentBytes: 64 * 1024,
  maxMutationsPerBatch: 100,
  /** Of a request of mutations. */
  maxBodyBytes: 1024 * 1024,
  /** Objects, arrays and keys in the body of a request. */
  maxBodyParts: 50_000,
  maxSubscriptionsPerConnection: 64,
  framesPerSecond: 20,
  framesBurst: 100,
  mutationsPerSecond: 50,
  mutationsBurst: 200,
  maxConnectionsPerAddress: 200,
  maxUnsentBytes: 1024 * 1024,
  maxStateBytes: 1024,
  maxSignalBytes: 1024,
  maxHereListed: 200,
  maxNameLength: 200,
  snapshotBeings: 500,
  snapshotIntentions: 200,
  maxPageSize: 1000,
  maxIdsPerLookup: 100,
  /** Bots that one utterance wakes. */
  maxReplies: 8,
  /** Replies of bots to replies of bots, one behind another. */
  maxReplyChain: 4,
  /** Intentions that are counted as unread; as many mean as many or more. */
  maxUnread: 100,
  /** Spaces that news tells of. */
  maxNewsSpaces: 200,
} as const

/** Times of the contract, in milliseconds. */
export const TIMES = {
  helloTimeoutMs: 10_000,
  /** From the first byte of a request over HTTP to its last. */
  requestTimeoutMs: 10_000,
  heartbeatMs: 20_000,
  /** Silence for this many heartbeats means that the connection is dead. */
  deadAfterHeartbeats: 2.5,
  /** A longer lease is cut to this. */
  maxLeaseMs: 600_000,
} as const
