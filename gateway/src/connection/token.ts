/** Checks session tokens, and tells why each was refused that is not good. */
import { type TokenFault, type VerifyingKeys, verifySessionToken } from '@rhizom/process'
import type { VerifyToken } from '../ports.ts'

export function tokenVerifier(keys: VerifyingKeys, refused: (fault: TokenFault) => void): VerifyToken {
  return async (token) => {
    const verified = await verifySessionToken(token, keys)
    if (verified.ok) return verified
    refused(verified.fault)
    return { ok: false, reason: verified.fault === 'expired' ? 'expired' : 'invalid' }
  }
}
