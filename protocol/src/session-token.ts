/**
 * The claims of a session token, a JWT that the api signs with Ed25519; the package `process` verifies it for both. One
 * of before there were keys is signed with HS256 over TOKEN_SECRET, and is good while that is given.
 */
import { z } from 'zod'
import { beingIdSchema, sessionIdSchema } from './id.ts'

export const SESSION_TOKEN = {
  algorithm: 'EdDSA',
  formerAlgorithm: 'HS256',
  issuer: 'rhizom',
  audience: 'rhizom',
} as const

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
