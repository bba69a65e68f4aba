/**
 * Names of things. Beings and spaces share one namespace of readable slugs (a space is a being too); intentions and
 * mutations are uuids of version 7, made by the client, so that a retry carries the name of the first attempt.
 *
 * Each kind of id is a type of its own that costs nothing at run time: an id of one kind is not taken where another is
 * wanted, but for a space where a being is. Text that no schema has seen yet is taken for any of them. Ids that never
 * leave a process may be numbers.
 */
import { z } from 'zod'

declare const kind: unique symbol
export type Id<Kind, Value = string> = Value & { readonly [kind]?: Kind }

export type SpaceId = Id<'space'>
export type BeingId = Id<'being' | 'space'>
export type IntentionId = Id<'intention'>
export type MutationId = Id<'mutation'>
export type Epoch = Id<'epoch'>
export type SessionId = Id<'session'>
export type InviteId = Id<'invite'>

const slug = z.string().regex(/^@[a-z0-9][a-z0-9-]{0,62}$/, 'must look like @name: lower-case letters, digits, hyphens')
const uuid = z.uuid().toLowerCase()

export const spaceIdSchema: z.ZodType<SpaceId, string> = slug.describe('A space, as @slug')
export const beingIdSchema: z.ZodType<BeingId, string> = slug.describe('A being, as @slug')
export const intentionIdSchema: z.ZodType<IntentionId, string> = uuid.describe(
  'An intention, a uuid (v7) made by the client',
)
export const mutationIdSchema: z.ZodType<MutationId, string> = uuid.describe(
  'A mutation, a uuid (v7) made by the client; the key of idempotency',
)
export const sessionIdSchema: z.ZodType<SessionId, string> = uuid.describe('A session, a uuid made by the api')
export const inviteIdSchema: z.ZodType<InviteId, string> = uuid.describe('An invite, a uuid made by the api')
export const epochSchema: z.ZodType<Epoch, string> = uuid.describe(
  "A space's history; changes only if the history is rebuilt",
)
