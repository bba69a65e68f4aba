/**
 * What a client asks for, and what became of it.
 *
 *   POST /v1/mutations {mutations: [{id, space, name, args}]}  →  {results: [{id, status, version?, error?}]}
 *
 * `id` is the key of idempotency per actor: sent again, the answer is `duplicate` with the first outcome. `space` is
 * null for a being that is located nowhere. A rejection changes nothing and does not stop the others.
 */
import { z } from 'zod'
import { claimFenceSchema, fenceSchema, leaseMsSchema, reasonSchema } from './claim.ts'
import { appendedTextSchema, contentSchema } from './content-schema.ts'
import {
  beingTypeSchema,
  intentionStateSchema,
  intentionTypeSchema,
  nameSchema,
  postingSchema,
  roleSchema,
  visibilitySchema,
} from './entity.ts'
import { beingIdSchema, intentionIdSchema, mutationIdSchema, spaceIdSchema } from './id.ts'
import { jsonObjectSchema } from './json-schema.ts'
import { versionSchema } from './position.ts'

const inSpace = { id: mutationIdSchema, space: spaceIdSchema }
const anywhere = {
  id: mutationIdSchema,
  space: spaceIdSchema.nullable().describe('null for a being that is located nowhere'),
}

export const mutationSchema = z.discriminatedUnion('name', [
  z.object({
    ...inSpace,
    name: z.literal('space.create'),
    args: z.object({ name: nameSchema, visibility: visibilitySchema.optional(), posting: postingSchema.optional() }),
  }),
  z.object({
    ...inSpace,
    name: z.literal('space.update'),
    args: z.object({
      name: nameSchema.optional(),
      visibility: visibilitySchema.optional(),
      posting: postingSchema.optional(),
      history: z
        .enum(['show', 'hide'])
        .optional()
        .describe('When a private space becomes public: whether what was said before is shown; show if left out'),
    }),
  }),
  z.object({ ...inSpace, name: z.literal('space.remove'), args: z.object({}) }),
  z.object({
    ...anywhere,
    name: z.literal('being.create'),
    args: z.object({
      id: beingIdSchema,
      type: beingTypeSchema.exclude(['space']),
      name: nameSchema,
      metadata: jsonObjectSchema.optional(),
      properties: jsonObjectSchema.optional(),
      content: contentSchema.optional(),
    }),
  }),
  z.object({
    ...anywhere,
    name: z.literal('being.update'),
    args: z.object({
      id: beingIdSchema,
      name: nameSchema.optional(),
      metadata: jsonObjectSchema.optional(),
      properties: jsonObjectSchema.optional(),
      content: contentSchema.optional(),
    }),
  }),
  z.object({ ...anywhere, name: z.literal('being.move'), args: z.object({ id: beingIdSchema }) }),
  z.object({ ...inSpace, name: z.literal('being.expel'), args: z.object({ id: beingIdSchema }) }),
  z.object({ ...anywhere, name: z.literal('being.remove'), args: z.object({ id: beingIdSchema }) }),
  z.object({
    ...inSpace,
    name: z.literal('intention.create'),
    args: z.object({
      id: intentionIdSchema,
      type: intentionTypeSchema,
      content: contentSchema,
      state: intentionStateSchema.optional(),
    }),
  }),
  z.object({
    ...inSpace,
    name: z.literal('intention.update'),
    args: z.object({
      id: intentionIdSchema,
      content: contentSchema.optional(),
      state: intentionStateSchema.optional(),
      reason: reasonSchema.optional(),
      fence: fenceSchema.optional(),
    }),
  }),
  z.object({
    ...inSpace,
    name: z.literal('intention.append'),
    args: z.object({
      id: intentionIdSchema,
      text: appendedTextSchema,
      at: z.int().min(0).optional().describe('How many characters (code units) of text are there already'),
      fence: fenceSchema.optional(),
    }),
  }),
  z.object({
    ...inSpace,
    name: z.literal('intention.claim'),
    args: z.object({ id: intentionIdSchema, leaseMs: leaseMsSchema, fence: claimFenceSchema.optional() }),
  }),
  z.object({ ...inSpace, name: z.literal('intention.retry'), args: z.object({ id: intentionIdSchema }) }),
  z.object({ ...inSpace, name: z.literal('intention.remove'), args: z.object({ id: intentionIdSchema }) }),
  z.object({ ...inSpace, name: z.literal('member.put'), args: z.object({ being: beingIdSchema, role: roleSchema }) }),
  z.object({ ...inSpace, name: z.literal('member.remove'), args: z.object({ being: beingIdSchema }) }),
])
export type Mutation = z.infer<typeof mutationSchema>
export type MutationName = Mutation['name']

/** Why a mutation was rejected. Final: sending the same again changes nothing. */
export const rejectionCodeSchema = z.enum([
  'not-found',
  'forbidden',
  'taken',
  'wrong-space',
  'too-large',
  'last-owner',
  'fenced',
  'gap',
])
export type RejectionCode = z.infer<typeof rejectionCodeSchema>

export const rejectionSchema = z.object({ code: rejectionCodeSchema, message: z.string() })
export type Rejection = z.infer<typeof rejectionSchema>

/**
 * The outcome of one mutation. `version` is that of the change it made in the space it names, absent where it made
 * none. A `duplicate` repeats the first outcome: with `error` if that was a rejection.
 */
export const mutationResultSchema = z.object({
  id: mutationIdSchema,
  status: z.enum(['applied', 'duplicate', 'rejected']),
  version: versionSchema.optional(),
  error: rejectionSchema.optional(),
})
export type MutationResult = z.infer<typeof mutationResultSchema>

export const postMutationsBodySchema = z.object({ mutations: z.array(mutationSchema).min(1) })
export const postMutationsAnswerSchema = z.object({ results: z.array(mutationResultSchema) })
