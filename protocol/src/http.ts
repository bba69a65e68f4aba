/** Every public HTTP exchange: what is asked and what is answered. Paths are listed in SPEC.md. */
import { z } from 'zod'
import { changeSchema } from './change.ts'
import {
  beingSchema,
  hereSchema,
  intentionSchema,
  memberSchema,
  nameSchema,
  spaceSchema,
  timeMsSchema,
} from './entity.ts'
import { beingIdSchema, epochSchema, intentionIdSchema, sessionIdSchema, spaceIdSchema } from './id.ts'
import { jsonObjectSchema, text } from './json-schema.ts'
import { LIMITS } from './limits.ts'
import { versionSchema } from './position.ts'

const pageSize = (standard: number) => z.coerce.number().int().min(1).max(LIMITS.maxPageSize).default(standard)
const cursor = z.string().min(1).max(256)

/** Of a JWT of an issuer; those with groups and pictures in them take some kilobytes. */
export const MAX_ASSERTION_BYTES = 16 * 1024

const assertion = z.string().min(1).max(MAX_ASSERTION_BYTES)

/** What a page has after somebody signed in at an issuer (OpenID Connect, a code with PKCE). */
const signInCodeSchema = z.object({
  issuer: z.string().min(1).max(2048),
  code: z.string().min(1).max(4096),
  verifier: z.string().regex(/^[\w.~-]{43,128}$/, 'must be a code verifier'),
  nonce: z.string().min(16).max(256),
  redirectUri: z.url().max(2048),
})

export type SignInCode = z.infer<typeof signInCodeSchema>

/** Each of these is a way to sign in, and stands alone. */
const WAYS = ['name', 'being', 'assertion', 'code'] as const

/**
 * POST /v1/sessions: a new guest by `name`, with the token of its owner a session of the bot `being`, or whom a
 * configured issuer vouches for: by an `assertion` (a JWT of it), or a `code` that the api asks it about.
 */
export const postSessionBodySchema = z
  .object({
    name: nameSchema.optional(),
    id: beingIdSchema.optional(),
    being: beingIdSchema.optional(),
    assertion: assertion.optional(),
    code: signInCodeSchema.optional(),
  })
  .refine((body) => WAYS.some((way) => body[way] !== undefined), {
    message: 'a name is needed, or a bot to act for, or what an issuer gave',
    path: ['name'],
  })
  .refine((body) => WAYS.filter((way) => body[way] !== undefined).length < 2, {
    message: 'one way to sign in is enough',
    path: ['being'],
  })
  .refine(({ name, id, being }) => id === undefined || name !== undefined || being === undefined, {
    message: 'stands alone',
    path: ['being'],
  })
export const postSessionAnswerSchema = z.object({
  token: z.string(),
  expiresAt: timeMsSchema,
  being: beingSchema,
  renewal: z
    .string()
    .optional()
    .describe('Gives a fresh pair at any later time, once; missing where the one that is held stays good'),
})
export type PostSessionAnswer = z.infer<typeof postSessionAnswerSchema>

/** GET /v1/sign-in: the ways to sign in here. Whom issuers vouch for has an account; `guests` need a name only. */
export const signInAnswerSchema = z.object({
  guests: z.boolean(),
  issuers: z.array(
    z.object({
      issuer: z.string(),
      label: z.string(),
      clientId: z.string(),
      authorize: z.string().optional().describe('Where people sign in; missing while the issuer does not answer'),
      scope: z.string(),
    }),
  ),
})
export type SignInAnswer = z.infer<typeof signInAnswerSchema>

/** GET /v1/sessions/current */
export const currentSessionAnswerSchema = z.object({ being: beingSchema, expiresAt: timeMsSchema })

/** POST /v1/sessions/current/refresh */
export const refreshSessionAnswerSchema = postSessionAnswerSchema

/** POST /v1/sessions/renew: a fresh token and the next renewal, for the one that was given last. */
export const renewSessionBodySchema = z.object({ renewal: z.string().min(1).max(256) })

/** GET /v1/sessions: those of the caller that are not ended, the one that was used last first. */
export const listSessionsAnswerSchema = z.object({
  sessions: z.array(
    z.object({
      id: sessionIdSchema,
      createdAt: timeMsSchema,
      lastUsedAt: timeMsSchema.describe('When it last gave a token'),
      current: z.boolean().describe('Whether it is the one that asks'),
    }),
  ),
})
export type ListSessionsAnswer = z.infer<typeof listSessionsAnswerSchema>

/** DELETE /v1/sessions/{id}; `current` is a path of its own. */
export const sessionParamsSchema = z.object({ id: sessionIdSchema })

/** GET /v1/spaces */
export const listSpacesQuerySchema = z.object({ limit: pageSize(100), cursor: cursor.optional() })
export const listSpacesAnswerSchema = z.object({ spaces: z.array(spaceSchema), nextCursor: cursor.nullable() })
export type ListSpacesAnswer = z.infer<typeof listSpacesAnswerSchema>

export const spaceParamsSchema = z.object({ space: spaceIdSchema })

/**
 * GET /v1/spaces/{space}: rows and version of one moment. `beings` are those located there (capped, lately active
 * first) and the authors of `intentions`; `intentions` are the newest, oldest first. `beingCount` counts those located
 * there. Answers 304 on If-None-Match with the ETag `"<epoch>:<version>"`.
 */
export const snapshotSchema = z.object({
  space: spaceSchema,
  epoch: epochSchema,
  version: versionSchema,
  beings: z.array(beingSchema),
  beingCount: z.int().min(0),
  intentions: z.array(intentionSchema),
  hasMore: z.boolean().describe('Whether older intentions exist'),
  members: z.array(memberSchema).optional(),
})
export type Snapshot = z.infer<typeof snapshotSchema>

/** GET /v1/spaces/{space}/changes: 410 `reset` if the log does not reach back to `after` or the epoch differs. */
export const changesQuerySchema = z.object({
  epoch: epochSchema,
  after: z.coerce.number().int().min(0),
  limit: pageSize(500),
})
export const changesAnswerSchema = z.object({
  epoch: epochSchema,
  from: versionSchema.describe('The version before the first change given'),
  to: versionSchema.describe('The version of the last change given; equal to from if there is none'),
  head: versionSchema.describe("The space's version now"),
  changes: z.array(changeSchema),
})
export type ChangesAnswer = z.infer<typeof changesAnswerSchema>

/** GET /v1/spaces/{space}/intentions: older ones, oldest first within the page, with their authors. */
export const intentionsQuerySchema = z.object({ before: intentionIdSchema.optional(), limit: pageSize(100) })
export const intentionsAnswerSchema = z.object({
  intentions: z.array(intentionSchema),
  beings: z.array(beingSchema),
  hasMore: z.boolean(),
})
export type IntentionsAnswer = z.infer<typeof intentionsAnswerSchema>

/** GET /v1/spaces/{space}/beings: those located there. */
export const spaceBeingsQuerySchema = z.object({ cursor: cursor.optional(), limit: pageSize(100) })
export const spaceBeingsAnswerSchema = z.object({ beings: z.array(beingSchema), nextCursor: cursor.nullable() })

/** GET /v1/beings?ids=@a,@b */
export const beingsQuerySchema = z.object({
  ids: z
    .string()
    .transform((list) => list.split(',').filter((id) => id !== ''))
    .pipe(z.array(beingIdSchema).min(1).max(LIMITS.maxIdsPerLookup)),
})
export const beingsAnswerSchema = z.object({ beings: z.array(beingSchema) })
export type BeingsAnswer = z.infer<typeof beingsAnswerSchema>

/** GET /v1/spaces/{space}/presence */
export const presenceAnswerSchema = z.object({
  here: z.array(hereSchema).max(LIMITS.maxHereListed),
  hereCount: z.int().min(0).describe('Exact, also where `here` is a sample'),
  frozen: z.boolean().describe('True while presence cannot be known; what is given is the last known'),
})
export type PresenceAnswer = z.infer<typeof presenceAnswerSchema>

/** POST /v1/spaces/{space}/signals, answered 202 */
export const signalNameSchema = text({ min: 1, max: 64 })
export const postSignalBodySchema = z.object({ name: signalNameSchema, data: jsonObjectSchema.optional() })

export const mutationParamsSchema = z.object({ id: z.uuid() })

/** GET /v1/work: what is the caller's to carry out and nobody has claimed, in all spaces it may read; oldest first. */
export const workQuerySchema = z.object({ limit: pageSize(20) })
export const workAnswerSchema = z.object({ work: z.array(intentionSchema) })
export type WorkAnswer = z.infer<typeof workAnswerSchema>
