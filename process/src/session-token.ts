/** Verifying session tokens, which say who somebody is, by which session and until when. The api alone signs them. */
import { type BeingId, SESSION_TOKEN, type SessionId, sessionClaimsSchema } from '@rhizom/protocol'
import { errors, jwtVerify } from 'jose'

/** `otherSecret`: signed as a token of ours is, with another secret. */
export type TokenFault = 'invalid' | 'expired' | 'otherSecret'

/** `session` is undefined in a token of before there were any. */
export interface TokenHolder {
  being: BeingId
  session: SessionId | undefined
  expiresAt: number
}

export type VerifiedToken = ({ ok: true } & TokenHolder) | { ok: false; fault: TokenFault }

export const tokenKey = (secret: string): Uint8Array => new TextEncoder().encode(secret)

export async function verifySessionToken(token: string, key: Uint8Array): Promise<VerifiedToken> {
  const { algorithm, issuer, audience } = SESSION_TOKEN
  try {
    const { payload } = await jwtVerify(token, key, { algorithms: [algorithm], issuer, audience })
    const claims = sessionClaimsSchema.safeParse(payload)
    if (!claims.success) return { ok: false, fault: 'invalid' }
    const { sub: being, sid: session, exp } = claims.data
    return { ok: true, being, session, expiresAt: exp * 1000 }
  } catch (error) {
    if (error instanceof errors.JWTExpired) return { ok: false, fault: 'expired' }
    if (error instanceof errors.JWSSignatureVerificationFailed) return { ok: false, fault: 'otherSecret' }
    if (error instanceof errors.JOSEError) return { ok: false, fault: 'invalid' }
    throw error
  }
}

/** Said once a minute: somebody who makes tokens up looks the same, so it is a question. */
export const SECRETS_DIFFER =
  'sessions are refused that were signed with another secret: is TOKEN_SECRET the same on every api and gateway?'
