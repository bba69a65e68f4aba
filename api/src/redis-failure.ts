/**
 * Whether what was thrown says that Redis is away, silent, or in no state to do what it was asked. Everything else that
 * is thrown where Redis is asked is a fault of ours, and must not pass for its absence.
 */

/**
 * What the library throws for a connection that is not there (any more): told by name or, where it has none, by text.
 */
const LOST: ReadonlySet<string> = new Set(['AbortError', 'InterruptError', 'MaxRetriesPerRequestError'])
const LOST_TEXT = /^(Connection is closed|Stream isn't writeable|Command timed out|Socket timeout)/

/** Replies about the state of the server, or of what somebody else put there. `ERR` is for commands that are wrong. */
const NOT_ABLE =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|OOM|MISCONF|NOREPLICAS|BUSY|NOAUTH|WRONGPASS|NOPERM|WRONGTYPE) /

const SYSTEM_CODE = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENET)/

export function isRedisFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (LOST.has(error.name) || LOST_TEXT.test(error.message)) return true
  if (error.name === 'ReplyError') return NOT_ABLE.test(error.message)
  return 'code' in error && typeof error.code === 'string' && SYSTEM_CODE.test(error.code)
}
