/**
 * Invites: a link that gives whoever opens it a role in a space, so many times and until some time.
 *
 *   POST   /v1/spaces/{space}/invites          an owner makes one  →  {invite, secret}
 *   GET    /v1/spaces/{space}/invites          those that are open, for owners
 *   DELETE /v1/spaces/{space}/invites/{invite} it is none any more
 *   POST   /v1/invites/accept {secret}         →  {space, version?}
 *
 * `secret` is told once, to whom makes the invite. A link carries it behind `#`, which no server is sent.
 */
import { z } from 'zod'
import { roleSchema, timeMsSchema } from './entity.ts'
import { beingIdSchema, inviteIdSchema, spaceIdSchema } from './id.ts'
import { versionSchema } from './position.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MAX_SECRET_LENGTH = 128

/** Who governs a space is named by name, and not by whoever holds a link. */
export const inviteRoleSchema = roleSchema.extract(['member', 'viewer'])
export type InviteRole = z.infer<typeof inviteRoleSchema>

export const inviteSchema = z.object({
  id: inviteIdSchema,
  space: spaceIdSchema,
  role: inviteRoleSchema,
  by: beingIdSchema.describe('Who made it; it is good for as long as they own the space'),
  uses: z.int().min(1),
  usesLeft: z.int().min(0),
  createdAt: timeMsSchema,
  expiresAt: timeMsSchema,
})
export type Invite = z.infer<typeof inviteSchema>

export const inviteParamsSchema = z.object({ space: spaceIdSchema, invite: inviteIdSchema })

export const postInviteBodySchema = z.object({
  role: inviteRoleSchema,
  uses: z.int().min(1).max(1000).default(1),
  lifetimeMs: z
    .int()
    .min(60_000)
    .max(90 * DAY_MS)
    .default(7 * DAY_MS)
    .describe('How long it is good, from now'),
})
export type PostInviteBody = z.input<typeof postInviteBodySchema>
export const postInviteAnswerSchema = z.object({
  invite: inviteSchema,
  secret: z.string().describe('What a link carries behind #; told here and never again'),
})
export type PostInviteAnswer = z.infer<typeof postInviteAnswerSchema>
export const listInvitesAnswerSchema = z.object({ invites: z.array(inviteSchema) })
export type ListInvitesAnswer = z.infer<typeof listInvitesAnswerSchema>

export const acceptInviteBodySchema = z.object({ secret: z.string().min(1).max(MAX_SECRET_LENGTH) })
/** `version` is that of the change it made; missing where the caller had as much already. */
export const acceptInviteAnswerSchema = z.object({ space: spaceIdSchema, version: versionSchema.optional() })
export type AcceptInviteAnswer = z.infer<typeof acceptInviteAnswerSchema>
