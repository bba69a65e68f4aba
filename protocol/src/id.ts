import { z } from 'zod'

/**
 * Names of things. Beings and spaces share one namespace of readable slugs (a space is a being too); intentions and
 * mutations are uuids of version 7, made by the client, so that a retry carries the name of the first attempt.
 */
const slug = z.string().regex(/^@[a-z0-9][a-z0-9-]{0,62}$/, 'must look like @name: lower-case letters, digits, hyphens')

export const spaceIdSchema = slug.describe('A space, as @slug')
export const beingIdSchema = slug.describe('A being, as @slug')
export const intentionIdSchema = z.uuid().toLowerCase().describe('An intention, a uuid (v7) made by the client')
export const mutationIdSchema = z
  .uuid()
  .toLowerCase()
  .describe('A mutation, a uuid (v7) made by the client; the key of idempotency')
export const epochSchema = z.uuid().toLowerCase().describe("A space's history; changes only if the history is rebuilt")

export type SpaceId = z.infer<typeof spaceIdSchema>
export type BeingId = z.infer<typeof beingIdSchema>
export type IntentionId = z.infer<typeof intentionIdSchema>
export type MutationId = z.infer<typeof mutationIdSchema>
export type Epoch = z.infer<typeof epochSchema>
