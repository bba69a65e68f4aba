/** Signing and verifying session tokens. A token says who somebody is, until when, and nothing else. */
import { type BeingId, SESSION_TOKEN, sessionClaimsSchema } from '@rhizom/protocol'
import { errors, jwtVerify, SignJWT } from 'jose'

export interface Session {
  being: BeingId
  expiresAt: number
}

export type Verified = { ok: true; session: Session } | { ok: false; code: 'not-authenticated' | 'token-expired' }

export interface SessionTokens {
  issue: (being: BeingId) => Promise<{ token: string; expiresAt: number }>
  verify: (token: string) => Promise<Verified>
}

export function sessionTokens(secret: string, ttlSeconds: number): SessionTokens {
  const key = new TextEncoder().encode(secret)
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
      try {
        const { payload } = await jwtVerify(token, key, { algorithms: [algorithm], issuer, audience })
        const claims = sessionClaimsSchema.safeParse(payload)
        if (!claims.success) return { ok: false, code: 'not-authenticated' }
        return { ok: true, session: { being: claims.data.sub, expiresAt: claims.data.exp * 1000 } }
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { ok: false, code: 'token-expired' }
        if (error instanceof errors.JOSEError) return { ok: false, code: 'not-authenticated' }
        throw error
      }
    },
  }
}
