/**
 * What operators ask of an api, at its internal port, with a token of their own (`Authorization: Bearer <token>`):
 * to look, and to act. Whatever acts takes a reason, goes through the decisions that mutations go through, into the
 * log with the actor `@operator`, and leaves a row of who, what, when and why.
 */
import { z } from 'zod'
import { beingIdSchema, intentionIdSchema, inviteIdSchema, sessionIdSchema, spaceIdSchema } from './id.ts'

const cursor = z.string().min(1).max(512)
const time = z.int()
const page = { limit: z.coerce.number().int().min(1).max(500).default(50), cursor: cursor.optional() }

export const REASON_LENGTH = 500
export const operatorReasonSchema = z.string().trim().min(1).max(REASON_LENGTH).describe('Why; kept with what was done')
export const operatorBodySchema = z.object({ reason: operatorReasonSchema })
export const operatorBeingBodySchema = z.object({ being: beingIdSchema, reason: operatorReasonSchema })
export type OperatorBody = z.infer<typeof operatorBodySchema>

const sorted = z.enum(['id', 'activity', 'bytes']).default('id').describe('By id, or the latest or the largest first')
const found = { id: z.string().max(64).optional(), name: z.string().max(200).optional(), sort: sorted }

/** `id` and `name` are parts of those. In another order than that of ids there is but the first page. */
export const operatorFindSchema = z.object({ ...found, ...page })
export type OperatorFind = z.infer<typeof operatorFindSchema>

const sizes = { intentions: z.int(), bytes: z.int() }
export const foundBeingSchema = z.object({
  ...{ id: beingIdSchema, type: z.string(), name: z.string(), owner: beingIdSchema.nullable() },
  ...{ location: spaceIdSchema.nullable(), createdAt: time, activeAt: time, removedAt: time.nullable(), ...sizes },
})
export const foundSpaceSchema = z.object({
  ...{ id: spaceIdSchema, name: z.string(), visibility: z.string(), version: z.int(), createdAt: time },
  ...{ activeAt: time, owners: z.array(beingIdSchema), members: z.int(), beings: z.int(), ...sizes },
})
export const foundBeingsSchema = z.object({ beings: z.array(foundBeingSchema), nextCursor: cursor.nullable() })
export const foundSpacesSchema = z.object({ spaces: z.array(foundSpaceSchema), nextCursor: cursor.nullable() })
export type FoundBeing = z.infer<typeof foundBeingSchema>
export type FoundSpace = z.infer<typeof foundSpaceSchema>

export const operatorSpaceParamsSchema = z.object({ space: spaceIdSchema })
export const operatorBeingParamsSchema = z.object({ being: beingIdSchema })
export const operatorIntentionParamsSchema = z.object({ intention: intentionIdSchema })
export const operatorSessionParamsSchema = z.object({ being: beingIdSchema, session: sessionIdSchema })

export const operatorInviteParamsSchema = z.object({ invite: inviteIdSchema })

/** `action` is the id of its row in the audit. */
export const actedSchema = z.object({ action: z.uuid() })
export const erasedSchema = z.object({
  action: z.uuid(),
  beings: z.int(),
  intentions: z.int(),
  changes: z.int(),
  /** Of how many spaces another one began. */
  histories: z.int(),
})
export const prunedSchema = z.object({ action: z.uuid() })
export const issuedSchema = z.object({ action: z.uuid(), token: z.string(), expiresAt: time, renewal: z.string() })

export const operatorSessionsSchema = z.object({
  sessions: z.array(z.object({ id: sessionIdSchema, createdAt: time, lastUsedAt: time })),
})

export const auditQuerySchema = z.object(page)
export const auditRowSchema = z.object({
  ...{ id: z.uuid(), at: time, operator: z.string(), action: z.string(), target: z.string(), reason: z.string() },
  outcome: z.string().describe('`begun`, `done`, or why it was refused'),
})
/** The latest first. */
export const auditSchema = z.object({ actions: z.array(auditRowSchema), nextCursor: cursor.nullable() })
export type AuditRow = z.infer<typeof auditRowSchema>

export const nodesSchema = z.object({
  /** The api node that answers: others are not known to each other. */
  api: z.object({ startedAt: time, protocol: z.int() }),
  gateways: z.array(z.object({ id: z.string(), isAlive: z.boolean(), leaseMs: z.int().nullable(), spaces: z.int() })),
})
export type Nodes = z.infer<typeof nodesSchema>
