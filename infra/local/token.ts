/** Tokens for beings of the local system itself, signed as the api signs them. */
import { type BeingId, SESSION_TOKEN } from '@rhizom/protocol'
import { SignJWT } from 'jose'

export const tokenFor = (being: BeingId, secret: string): Promise<string> =>
  new SignJWT()
    .setProtectedHeader({ alg: SESSION_TOKEN.algorithm })
    .setSubject(being)
    .setIssuer(SESSION_TOKEN.issuer)
    .setAudience(SESSION_TOKEN.audience)
    .setIssuedAt()
    .setExpirationTime('1d')
    .sign(new TextEncoder().encode(secret))
