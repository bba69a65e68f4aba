/** Checks session tokens, and tells why each was refused that is not good. */
import { type TokenFault, tokenKey, verifySessionToken } from '@rhizom/process'
import type { VerifyToken } from '../ports.ts'

export function tokenVerifier(secret: string, refused: (fault: TokenFault) => void): VerifyToken {
  const key = tokenKey(secret)
  return async (token) => {
    const verified = await verifySessionToken(token, key)
    if (verified.ok) return verified
    refused(verified.fault)
    return { ok: false, reason: verified.fault === 'expired' ? 'expired' : 'invalid' }
  }
}
