/**
 * Signing session tokens, and verifying them for requests. A token says who somebody is, by which session, and until
 * when.
 */
import {
  type SigningKey,
  type TokenFault,
  type TokenHolder,
  type VerifyingKeys,
  verifySessionToken,
} from '@rhizom/process'
import { type BeingId, SESSION_TOKEN, type SessionId } from '@rhizom/protocol'
import { SignJWT } from 'jose'

export type Verified = { ok: true; session: TokenHolder } | { ok: false; code: 'not-authenticated' | 'token-expired' }

export interface SessionTokens {
  issue: (being: BeingId, session: SessionId) => Promise<{ token: string; expiresAt: number }>
  verify: (token: string) => Promise<Verified>
}

export interface TokenDeps {
  signing: SigningKey
  verifying: VerifyingKeys
  ttlSeconds: number
  /** Told why each token was that is not good. */
  refused(fault: TokenFault): void
}

export function sessionTokens({ signing, verifying, ttlSeconds, refused }: TokenDeps): SessionTokens {
  const { algorithm, issuer, audience } = SESSION_TOKEN
  return {
    async issue(being, session) {
      const issuedAt = Math.floor(Date.now() / 1000)
      const expiresAt = issuedAt + ttlSeconds
      const token = await new SignJWT({ sid: session })
        .setProtectedHeader({ alg: algorithm, kid: signing.kid })
        .setSubject(being)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(signing.privateKey)
      return { token, expiresAt: expiresAt * 1000 }
    },
    async verify(token) {
      const verified = await verifySessionToken(token, verifying)
      if (verified.ok) {
        const { being, session, expiresAt } = verified
        return { ok: true, session: { being, session, expiresAt } }
      }
      refused(verified.fault)
      return { ok: false, code: verified.fault === 'expired' ? 'token-expired' : 'not-authenticated' }
    },
  }
}
