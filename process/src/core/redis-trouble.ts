/**
 * What an error of Redis, or of the way there, means for whoever set the process up. The reasons are few and fixed; the
 * error itself is told beside them.
 */
import type { Trouble } from './condition.ts'

const UNREACHED = 'Redis is not reached'
const OLD = 'REDIS_URL: this Redis is too old'
const REPLICA = 'REDIS_URL: this Redis is a replica that cannot be written to'
const CLUSTER = 'REDIS_URL: this Redis is a cluster, which is not supported'

/** By what the reply of a command begins with, or holds. */
const REPLIES: readonly [pattern: RegExp, reason: string][] = [
  [/^(WRONGPASS|NOAUTH|ERR invalid password|ERR AUTH)/, 'REDIS_URL: Redis refuses this user or password'],
  [/^NOPERM/, 'REDIS_URL: this user of Redis may not do what is asked of it'],
  [/^READONLY/, REPLICA],
  [/^(MOVED|ASK|CROSSSLOT|CLUSTERDOWN)/, CLUSTER],
  [/^ERR (unknown command|.*syntax error)/i, OLD],
  [/^ERR .*DB index|^ERR invalid DB/i, 'REDIS_URL: Redis has no database of this number'],
  [/^(LOADING|BUSY|MASTERDOWN|TRYAGAIN)/, 'Redis is not ready to answer'],
  [/^(OOM|MISCONF|NOREPLICAS)/, 'Redis takes no writes'],
]

export function redisTrouble(error: Error): Trouble {
  const { message } = error
  const reason = isReply(error) ? replyReason(message) : linkReason(error)
  return { reason, problem: message === '' ? error.name : message }
}

/**
 * What the library throws for a connection that is not there (any more): told by name or, where it has none, by text.
 */
const LOST: ReadonlySet<string> = new Set(['AbortError', 'InterruptError', 'MaxRetriesPerRequestError'])
const LOST_TEXT = /^(Connection is closed|Stream isn't writeable|Command timed out|Socket timeout)/
const SYSTEM_CODE = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENET)/

/**
 * Whether what was thrown says that Redis is away, silent, or in no state to do what it was asked. Everything else that
 * is thrown where Redis is asked is a fault of ours, and must not pass for its absence: `ERR` is for wrong commands.
 */
export function isRedisFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { name, message } = error
  if (LOST.has(name) || LOST_TEXT.test(message)) return true
  if (isReply(error))
    return (
      !concernsConnection(error) || (!message.startsWith('ERR') && REPLIES.some(([pattern]) => pattern.test(message)))
    )
  return 'code' in error && typeof error.code === 'string' && SYSTEM_CODE.test(error.code)
}

/** An answer of the server, and not something that happened on the way. */
export const isReply = (error: Error): boolean => error.name === 'ReplyError'

/** Whether whoever gets this answer should look for another server: its primary was demoted. */
export const isReadOnly = (error: Error): boolean => error.message.startsWith('READONLY')

/** A script is known by its digest only as long as the server keeps it: whoever names one sends it then. */
export const isUnknownScript = (error: unknown): boolean =>
  error instanceof Error && isReply(error) && error.message.startsWith('NOSCRIPT')

/** A key that holds something else concerns whoever reads it, and not the connection; so does a script. */
export const concernsConnection = (error: Error): boolean =>
  isReply(error) && !error.message.startsWith('WRONGTYPE') && !isUnknownScript(error)

const replyReason = (message: string): string =>
  REPLIES.find(([pattern]) => pattern.test(message))?.[1] ?? 'Redis refuses what is asked of it'

function linkReason(error: Error): string {
  if (/^(Unknown RESP type|Protocol error)/.test(error.message)) return 'REDIS_URL: what answers there is no Redis'
  return /^Socket timeout|^Command timed out/.test(error.message) ? 'Redis does not answer' : UNREACHED
}

export const connectionLost: Trouble = { reason: UNREACHED, problem: 'the connection was lost' }

/** What the server says of itself (`INFO`). */
export interface RedisFitness {
  /** Why it cannot do what is asked; undefined if it can. */
  trouble: Trouble | undefined
  /** What will hurt later. */
  warning: string | undefined
}

/** ZMSCORE came with it. */
const OLDEST = { major: 6, minor: 2 }

export function redisFitness(info: string): RedisFitness {
  const fields = new Map(
    info.split(/\r?\n/).flatMap((line): [string, string][] => {
      const at = line.indexOf(':')
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1).trim()]] : []
    }),
  )
  return { trouble: unfitness(fields), warning: evictionWarning(fields) }
}

function unfitness(fields: ReadonlyMap<string, string>): Trouble | undefined {
  const version = fields.get('redis_version')
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number)
  if (version === undefined) return undefined
  if (major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor))
    return { reason: OLD, problem: `version ${version}, ${OLDEST.major}.${OLDEST.minor} or later is needed` }
  if (fields.get('cluster_enabled') === '1' || fields.get('redis_mode') === 'cluster')
    return { reason: CLUSTER, problem: 'cluster_enabled:1' }
  if (fields.get('role') === 'slave') return { reason: REPLICA, problem: 'role:slave' }
  return undefined
}

/** Every key is needed for as long as it lives. */
function evictionWarning(fields: ReadonlyMap<string, string>): string | undefined {
  const policy = fields.get('maxmemory_policy') ?? 'noeviction'
  if (policy === 'noeviction' || (fields.get('maxmemory') ?? '0') === '0') return undefined
  return `Redis may forget who is here when its memory is full: maxmemory-policy is ${policy} and should be noeviction`
}
