/** Verifying session tokens, which say who somebody is, by which session and until when. The api alone signs them. */
import { type BeingId, SESSION_TOKEN, type SessionId, sessionClaimsSchema } from '@rhizom/protocol'
import type { KeyObject } from 'node:crypto'
import { errors, type JWTHeaderParameters, jwtVerify } from 'jose'
import type { VerifyingKeys } from './token-keys.ts'

/** `otherSecret`: signed as a token of ours is, with a key or a secret that is not known here. */
export type TokenFault = 'invalid' | 'expired' | 'otherSecret'

/** `session` is undefined in a token of before there were any. */
export interface TokenHolder {
  being: BeingId
  session: SessionId | undefined
  expiresAt: number
}

export type VerifiedToken = ({ ok: true } & TokenHolder) | { ok: false; fault: TokenFault }

export async function verifySessionToken(token: string, keys: VerifyingKeys): Promise<VerifiedToken> {
  const { algorithm, formerAlgorithm, issuer, audience } = SESSION_TOKEN
  const algorithms = [algorithm, formerAlgorithm]
  try {
    const { payload } = await jwtVerify(token, (header) => keyFor(header, keys), { algorithms, issuer, audience })
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

/** The kind of key follows from the algorithm: a public key is never taken for a secret. */
function keyFor({ alg, kid }: JWTHeaderParameters, { byKid, secret }: VerifyingKeys): KeyObject | Uint8Array {
  const key = alg === SESSION_TOKEN.algorithm ? byKid.get(kid ?? '') : secret
  if (key === undefined) throw new errors.JWSSignatureVerificationFailed()
  return key
}

/** Said once a minute: somebody who makes tokens up looks the same, so it is a question. */
export const SECRETS_DIFFER =
  'sessions are refused that were signed with another key: is TOKEN_SECRET the same on every api and gateway, or do ' +
  'TOKEN_PUBLIC_KEYS hold all keys of TOKEN_KEYS?'
