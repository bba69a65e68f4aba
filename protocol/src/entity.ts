/** The things that are synchronised, as they travel: whole, in camel case, times in milliseconds since 1970. */
import { z } from 'zod'
import { claimSchema, reasonSchema } from './claim.ts'
import { contentSchema } from './content-schema.ts'
import { beingIdSchema, epochSchema, intentionIdSchema, spaceIdSchema } from './id.ts'
import { jsonObjectSchema, text } from './json-schema.ts'
import { isNotBlank, NOT_BLANK } from './json.ts'
import { LIMITS } from './limits.ts'
import { versionSchema } from './position.ts'

export const timeMsSchema = z.int().describe('Milliseconds since 1970')
export const nameSchema = text({ min: 1, max: LIMITS.maxNameLength }).refine(isNotBlank, NOT_BLANK)

export const visibilitySchema = z
  .enum(['public', 'private'])
  .describe('public: any session reads; private: members read')
export type Visibility = z.infer<typeof visibilitySchema>

export const postingSchema = z
  .enum(['everyone', 'members'])
  .describe('Who writes in a public space: everyone who is not a viewer or banned, or owners and members')
export type Posting = z.infer<typeof postingSchema>

export const roleSchema = z
  .enum(['owner', 'member', 'viewer', 'banned'])
  .describe('What somebody may do in a space; to the banned it is not there')
export type Role = z.infer<typeof roleSchema>

export const beingTypeSchema = z.enum(['guest', 'bot', 'document', 'space'])
export type BeingType = z.infer<typeof beingTypeSchema>

export const intentionTypeSchema = z.enum(['utterance', 'error'])
export type IntentionType = z.infer<typeof intentionTypeSchema>

export const intentionStateSchema = z.enum(['draft', 'active', 'paused', 'complete', 'cancelled', 'failed'])
export type IntentionState = z.infer<typeof intentionStateSchema>

export const spaceSchema = z.object({
  id: spaceIdSchema,
  name: nameSchema,
  visibility: visibilitySchema,
  posting: postingSchema.optional().describe('everyone, where it is left out'),
  historyFrom: versionSchema
    .optional()
    .describe('What was said up to this version is not shown; 0 where it is left out'),
  epoch: epochSchema,
  version: versionSchema,
  createdAt: timeMsSchema,
})
export type Space = z.infer<typeof spaceSchema>

export const beingSchema = z.object({
  id: beingIdSchema,
  type: beingTypeSchema,
  name: nameSchema,
  owner: beingIdSchema.nullable().describe('Who may change it beside itself; null for guests, who own themselves'),
  location: spaceIdSchema.nullable().describe('The space it is in, or nowhere'),
  metadata: jsonObjectSchema,
  properties: jsonObjectSchema,
  content: contentSchema,
  rev: versionSchema.describe('The version that last touched it'),
  createdAt: timeMsSchema,
  modifiedAt: timeMsSchema,
  lastSeenAt: timeMsSchema.nullable().describe('When it last left; null before it ever came'),
})
export type Being = z.infer<typeof beingSchema>

export const intentionSchema = z.object({
  id: intentionIdSchema,
  type: intentionTypeSchema,
  state: intentionStateSchema,
  owner: beingIdSchema,
  location: spaceIdSchema,
  content: contentSchema,
  rev: versionSchema.describe('The version that last touched it'),
  createdAt: timeMsSchema,
  modifiedAt: timeMsSchema,
  replyTo: intentionIdSchema.nullable().optional().describe('The utterance that it replies to'),
  claim: claimSchema.nullable().optional().describe('Who is carrying it out'),
  attempt: z.int().min(1).optional().describe('Which attempt to carry it out this is, or will be'),
  reason: reasonSchema.optional().describe('Why it failed, in words for people'),
  former: contentSchema.optional().describe('What the attempt before had written'),
})
export type Intention = z.infer<typeof intentionSchema>

export const memberSchema = z.object({ being: beingIdSchema, role: roleSchema })
export type Member = z.infer<typeof memberSchema>

/** A small state a client sets while it is here: away, a cursor, a status line. */
export const presenceStateSchema = jsonObjectSchema

/** Somebody who is here now. */
export const hereSchema = z.object({
  being: beingIdSchema,
  state: presenceStateSchema,
  since: timeMsSchema.describe('When it came'),
})
export type Here = z.infer<typeof hereSchema>
