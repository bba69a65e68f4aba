/** Who is calling: a session for /v1, a gateway for /internal. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { TokenHolder } from '@rhizom/process'
import type { FastifyRequest } from 'fastify'
import type { Database } from '../db/database.ts'
import { isThere } from '../db/read/sessions.ts'
import { ProblemError } from './problem-reply.ts'
import type { SessionTokens } from './session-token.ts'

declare module 'fastify' {
  interface FastifyRequest {
    session: TokenHolder | null
  }
}

export const bearerOf = (request: FastifyRequest): string | undefined =>
  /^Bearer ([^ ]+)$/i.exec(request.headers.authorization ?? '')?.[1]

/** A hook that lets only valid sessions through; the rest is 401. */
export const requireSession = (tokens: SessionTokens) => async (request: FastifyRequest) => {
  const token = bearerOf(request)
  if (token === undefined) throw new ProblemError('not-authenticated', 'a bearer token is needed')
  const verified = await tokens.verify(token)
  if (!verified.ok) throw new ProblemError(verified.code, 'the token is not valid (any more)')
  request.session = verified.session
}

/** A hook that lets only sessions through that are not ended, of beings that still exist. A write asks by itself. */
export const requireBeing = (database: Database) => async (request: FastifyRequest) => {
  const { being, session } = sessionOf(request)
  if (!(await database.use((sql) => isThere(sql, being, session)))) throw beingGone()
}

export const beingGone = (): ProblemError =>
  new ProblemError('not-authenticated', 'this session was ended, or its being is gone')

/** The session of a request that passed `requireSession`. */
export function sessionOf(request: FastifyRequest): TokenHolder {
  if (request.session === null) throw new Error('a route without requireSession asked for the session')
  return request.session
}

/** A hook that lets only gateways through. Digests are compared, so that time tells neither content nor length. */
export function requireInternalToken(internalTokens: readonly string[]) {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = internalTokens.map(digest)
  return async (request: FastifyRequest) => {
    const token = bearerOf(request)
    // All are compared, so that time does not tell which one it is.
    const matches = token === undefined ? [] : expected.filter((one) => timingSafeEqual(digest(token), one))
    if (matches.length === 0) throw new ProblemError('not-authenticated', 'the internal token is needed')
  }
}
