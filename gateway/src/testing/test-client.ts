/** For tests: whoever is at the other end of a gateway's sockets, with tokens of its own. */
import { randomBytes } from 'node:crypto'
import { RawClient } from '@rhizom/kit/raw-client.ts'
import type { RawSocketOptions } from '@rhizom/kit/raw-socket.ts'
import { SESSION_TOKEN } from '@rhizom/protocol'
import { SignJWT } from 'jose'

export const TEST_SECRET = randomBytes(32).toString('hex')

export const tokenFor = (being: string, seconds = 3600, secret = TEST_SECRET, sid?: string): Promise<string> =>
  new SignJWT(sid === undefined ? {} : { sid })
    .setProtectedHeader({ alg: SESSION_TOKEN.formerAlgorithm })
    .setSubject(being)
    .setIssuer(SESSION_TOKEN.issuer)
    .setAudience(SESSION_TOKEN.audience)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(new TextEncoder().encode(secret))

/** A client that said hello and was welcomed. */
export const liveClient = async (url: string, being: string, options: RawSocketOptions = {}): Promise<RawClient> =>
  RawClient.welcomed(url, await tokenFor(being), options)
