/** The advisory locks of a rhizom database, so that no two uses meet by accident. The numbers are arbitrary. */
export const ADVISORY_LOCKS = {
  /** Held while migrating. */
  migrate: 727_401_001,
  /** Held by the one api node that leads. */
  leader: 727_401_002,
  /** Held while it is decided whether a new history begins. */
  lineage: 727_401_003,
} as const
