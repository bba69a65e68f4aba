/**
 * The bounds of the contract with their defaults. Both processes take overrides from their environment; clients use
 * the defaults to refuse early. Sizes are bytes of UTF-8 unless a name says otherwise. They are used as
 * `LIMITS.maxFrameBytes`; each is an export of its own, so that a page carries those only that it asks for.
 */
export const maxFrameBytes = 64 * 1024
export const maxContentBytes = 64 * 1024
export const maxMutationsPerBatch = 100
/** Of a request of mutations. */
export const maxBodyBytes = 1024 * 1024
/** Objects, arrays and keys in the body of a request. */
export const maxBodyParts = 50_000
export const maxSubscriptionsPerConnection = 64
export const framesPerSecond = 20
export const framesBurst = 100
export const mutationsPerSecond = 50
export const mutationsBurst = 200
export const maxConnectionsPerAddress = 200
export const maxUnsentBytes = 1024 * 1024
export const maxStateBytes = 1024
export const maxSignalBytes = 1024
export const maxHereListed = 200
export const maxNameLength = 200
export const snapshotBeings = 500
export const snapshotIntentions = 200
export const maxPageSize = 1000
export const maxIdsPerLookup = 100
/** Bots that one utterance wakes. */
export const maxReplies = 8
/** Replies of bots to replies of bots, one behind another. */
export const maxReplyChain = 4
/** Intentions that are counted as unread; as many mean as many or more. */
export const maxUnread = 100
/** Spaces that news tells of. */
export const maxNewsSpaces = 200
