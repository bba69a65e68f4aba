/**
 * What whoever signs in is given: a token for a while, and the renewal that gives the next ones until the session is
 * ended. An end is told to the gateways as a removal is (publish/revoked.ts).
 */
import type { BeingId, SessionId } from '@rhizom/protocol'
import type { Sql } from '../db/database.ts'
import { beginSession, type RevokedSession, useRenewal } from '../db/write/sessions.ts'
import { ProblemError } from './problem-reply.ts'
import { firstRenewal, nextRenewal, parseRenewal, renewalText, stored } from './renewal.ts'
import type { Services } from './services.ts'

/** More of one being at a time nobody needs: those that were not used for longest end. */
export const MAX_SESSIONS = 100

export interface Grant {
  token: string
  expiresAt: number
  renewal: string
}

export interface Grants {
  /** On the connection, and in the transaction, of whoever asks. Call what it gives when that is committed. */
  begin: (sql: Sql, being: BeingId) => Promise<() => Promise<Grant>>
  renew: (renewal: string) => Promise<Grant & { of: BeingId }>
  /** Tells that a session was ended. */
  ended: (sessions: readonly RevokedSession[]) => void
}

type Needs = Pick<Services, 'config' | 'database' | 'publisher' | 'tokens' | 'log'>

export function sessionGrants({ config, database, publisher, tokens, log }: Needs): Grants {
  const ended = (sessions: readonly RevokedSession[]): void => publisher.revokeSessions(sessions)
  const grant = async (being: BeingId, session: SessionId, renewal: string): Promise<Grant> => ({
    ...(await tokens.issue(being, session)),
    renewal,
  })
  return {
    ended,
    async begin(sql, being) {
      const renewal = firstRenewal()
      const surplus = await beginSession(sql, being, stored(renewal), MAX_SESSIONS)
      return () => {
        ended(surplus)
        return grant(being, renewal.session, renewalText(renewal))
      }
    },
    async renew(text) {
      const used = parseRenewal(text)
      if (used === undefined) throw notRenewed()
      const nexts = renewalKeys(config).map((key) => nextRenewal(used, key))
      const [first, ...others] = nexts.map((next) => stored(next).secret)
      if (first === undefined) throw new Error('neither TOKEN_SECRET nor TOKEN_KEYS')
      const use = await database.use((sql) =>
        useRenewal(sql, stored(used), [first, ...others], config.RENEWAL_GRACE_MS),
      )
      switch (use.status) {
        case 'used': {
          const next = nexts.find((one) => stored(one).secret === use.next) ?? used
          return { ...(await grant(use.being, used.session, renewalText(next))), of: use.being }
        }
        case 'reused':
          ended([use.ended])
          log.warn({ session: used.session }, 'a renewal was used twice: somebody else holds it, and its session ended')
          throw notRenewed()
        case 'unknown':
          throw notRenewed()
        default:
          return use satisfies never
      }
    },
  }
}

/** Of all nodes, while a key is replaced: the first makes the next renewal, and each may have made it. */
const renewalKeys = ({ TOKEN_SECRET, TOKEN_KEYS }: Services['config']): readonly string[] =>
  TOKEN_SECRET === '' ? TOKEN_KEYS : [TOKEN_SECRET, ...TOKEN_KEYS]

const notRenewed = (): ProblemError => new ProblemError('not-authenticated', 'this renewal is not good (any more)')
