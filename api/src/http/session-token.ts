/**
 * Signing session tokens, and verifying them for requests. A token says who somebody is, until when, and nothing else.
 */
import { type TokenFault, tokenKey, verifySessionToken } from '@rhizom/process'
import { type BeingId, SESSION_TOKEN } from '@rhizom/protocol'
import { SignJWT } from 'jose'

export interface Session {
  being: BeingId
  expiresAt: number
}

export type Verified = { ok: true; session: Session } | { ok: false; code: 'not-authenticated' | 'token-expired' }

export interface SessionTokens {
  issue: (being: BeingId) => Promise<{ token: string; expiresAt: number }>
  verify: (token: string) => Promise<Verified>
}

/** `refused` is told why each token was that is not good. */
export function sessionTokens(secret: string, ttlSeconds: number, refused: (fault: TokenFault) => void): SessionTokens {
  const key = tokenKey(secret)
  const { algorithm, issuer, audience } = SESSION_TOKEN
  return {
    async issue(being) {
      const issuedAt = Math.floor(Date.now() / 1000)
      const expiresAt = issuedAt + ttlSeconds
      const token = await new SignJWT()
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
      if (verified.ok) return { ok: true, session: { being: verified.being, expiresAt: verified.expiresAt } }
      refused(verified.fault)
      return { ok: false, code: verified.fault === 'expired' ? 'token-expired' : 'not-authenticated' }
    },
  }
}
