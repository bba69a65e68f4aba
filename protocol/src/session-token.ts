/**
 * The claims of a session token, a JWT signed with HS256 over TOKEN_SECRET: the api signs, the package `process`
 * verifies for both.
 */
import { z } from 'zod'
import { beingIdSchema, sessionIdSchema } from './id.ts'

export const SESSION_TOKEN = { algorithm: 'HS256', issuer: 'rhizom', audience: 'rhizom' } as const

/**
 * `exp` and `iat` are in seconds, as JWT wants them. `sid` is the session that the token is of: it is no longer good
 * when that is ended. A token without one is good until it runs out.
 */
export const sessionClaimsSchema = z.object({
  sub: beingIdSchema,
  exp: z.int(),
  iat: z.int().optional(),
  sid: sessionIdSchema.optional(),
})
