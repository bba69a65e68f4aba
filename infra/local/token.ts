/** Tokens for beings of the local system itself, signed as the api signs them. */
import { type BeingId, SESSION_TOKEN } from '@rhizom/protocol'
import { SignJWT } from 'jose'
import { signingKeys } from './token-keys.ts'

export function tokenFor(being: BeingId, tokenKeys: string): Promise<string> {
  const [signing] = signingKeys(tokenKeys)
  if (signing === undefined) throw new Error('no key that signs')
  return new SignJWT()
    .setProtectedHeader({ alg: SESSION_TOKEN.algorithm, kid: signing.kid })
    .setSubject(being)
    .setIssuer(SESSION_TOKEN.issuer)
    .setAudience(SESSION_TOKEN.audience)
    .setIssuedAt()
    .setExpirationTime('1d')
    .sign(signing.privateKey)
}
