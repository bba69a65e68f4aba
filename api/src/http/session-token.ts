/**
 * Signing session tokens, and verifying them for requests. A token says who somebody is, by which session, and until
 * when.
 */
import { type TokenFault, type TokenHolder, tokenKey, verifySessionToken } from '@rhizom/process'
import { type BeingId, SESSION_TOKEN, type SessionId } from '@rhizom/protocol'
import { SignJWT } from 'jose'

export type Verified = { ok: true; session: TokenHolder } | { ok: false; code: 'not-authenticated' | 'token-expired' }

export interface SessionTokens {
  issue: (being: BeingId, session: SessionId) => Promise<{ token: string; expiresAt: number }>
  verify: (token: string) => Promise<Verified>
}

/** `refused` is told why each token was that is not good. */
export function sessionTokens(secret: string, ttlSeconds: number, refused: (fault: TokenFault) => void): SessionTokens {
  const key = tokenKey(secret)
  const { algorithm, issuer, audience } = SESSION_TOKEN
  return {
    async issue(being, session) {
      const issuedAt = Math.floor(Date.now() / 1000)
      const expiresAt = issuedAt + ttlSeconds
      const token = await new SignJWT({ sid: session })
        .setProtectedHeader({ alg: algorithm })
        .setSubject(being)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(key)
      return { token, expiresAt: expiresAt * 1000 }
    },
    async verify(token) {
      const verified = await verifySessionToken(token, key)
      if (verified.ok) {
        const { being, session, expiresAt } = verified
        return { ok: true, session: { being, session, expiresAt } }
      }
      refused(verified.fault)
      return { ok: false, code: verified.fault === 'expired' ? 'token-expired' : 'not-authenticated' }
    },
  }
}
