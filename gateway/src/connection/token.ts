/** Checks session tokens with jose against the constants of the protocol. */
import { SESSION_TOKEN, sessionClaimsSchema } from '@rhizom/protocol'
import { errors, jwtVerify } from 'jose'
import type { TokenOutcome, VerifyToken } from '../ports.ts'

export function tokenVerifier(secret: string): VerifyToken {
  const key = new TextEncoder().encode(secret)
  const { algorithm, issuer, audience } = SESSION_TOKEN
  return async (token): Promise<TokenOutcome> => {
    try {
      const { payload } = await jwtVerify(token, key, { algorithms: [algorithm], issuer, audience })
      const claims = sessionClaimsSchema.safeParse(payload)
      if (!claims.success) return { ok: false, reason: 'invalid' }
      return { ok: true, being: claims.data.sub, expiresAt: claims.data.exp * 1000 }
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { ok: false, reason: 'expired' }
      if (error instanceof errors.JOSEError) return { ok: false, reason: 'invalid' }
      throw error
    }
  }
}
