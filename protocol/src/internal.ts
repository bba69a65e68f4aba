/**
 * What a gateway asks the api. A gateway has no database and no business rules: it learns from here who may read a
 * space, where its log stands and what it missed, all of one moment.
 *
 *   GET  /internal/spaces/{space}?epoch&after   read: access, position, what brings a holder of (epoch, after) there
 *   POST /internal/heads                        positions of many spaces
 *   GET  /internal/revoked?since&after          removed beings and ended sessions, whose tokens may not have run out
 *   POST /internal/news                         what is new to beings, in all their spaces or in some
 *   POST /internal/last-seen                    who left, and when; answered 202 once it is stored
 *
 * All need `Authorization: Bearer <INTERNAL_TOKEN>`. A space that does not exist is 404 with the path `space`.
 * Every answer names the installation in a header: what is said over Redis counts only within one (bus.ts).
 */
import { z } from 'zod'
import { changeSchema } from './change.ts'
import { timeMsSchema, visibilitySchema } from './entity.ts'
import { type BeingId, beingIdSchema, epochSchema, type SessionId, sessionIdSchema, spaceIdSchema } from './id.ts'
import { snapshotSchema } from './http.ts'
import { newsAnswerSchema, newsSchema } from './news.ts'
import { positionSchema, versionSchema } from './position.ts'

/** The `path` of the problem that says that there is no such space: any other 404 comes from what is no api. */
export const NO_SUCH_SPACE = 'space'

/** The header of an answer that names the installation: an id that its database was given when it was made. */
export const INSTALLATION_HEADER = 'x-rhizom-installation'

export const accessSchema = z.object({
  visibility: visibilitySchema,
  readers: z.array(beingIdSchema).describe('Who reads while the space is private'),
  banned: z.array(beingIdSchema).optional().describe('Who does not read while the space is public'),
})
export type Access = z.infer<typeof accessSchema>

/** Both or neither: without a position the answer holds a snapshot. */
export const internalReadQuerySchema = z.object({
  epoch: epochSchema.optional(),
  after: z.coerce.number().int().min(0).optional(),
})

/**
 * `changes` reach from the position asked for to `version`; a `snapshot` stands in where none was asked for, where
 * the log does not reach back, where the epoch differs, or where the changes would be more than a snapshot is worth.
 */
export const internalReadSchema = z.object({
  access: accessSchema,
  epoch: epochSchema,
  version: versionSchema.describe("The space's version at the moment of the read"),
  catchUp: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('changes'), from: versionSchema, changes: z.array(changeSchema) }),
    z.object({ kind: z.literal('snapshot'), snapshot: snapshotSchema }),
  ]),
})
export type InternalRead = z.infer<typeof internalReadSchema>

export const internalHeadsBodySchema = z.object({ spaces: z.array(spaceIdSchema).max(10_000) })

/** Spaces that do not exist (any more) are missing from the answer. */
export const headsSchema = z.record(spaceIdSchema, positionSchema)
export const internalHeadsAnswerSchema = z.object({ heads: headsSchema })
export type Heads = z.infer<typeof headsSchema>

/**
 * Removed beings, and until when it matters: their tokens are to be refused while that time has not come, and have run
 * out by themselves after it.
 */
export const revokedSchema = z.record(beingIdSchema, timeMsSchema)
export type Revoked = z.infer<typeof revokedSchema>

/** The same of sessions that were ended: a key of this kind is never that of a being. */
export const endedSessionsSchema = z.record(sessionIdSchema, timeMsSchema)
export type EndedSessions = z.infer<typeof endedSessionsSchema>

/** Whose tokens are refused: beings and sessions by their ids, each until a time. */
export type RevokedIds = Readonly<Record<BeingId | SessionId, number>>

/** A place among removals and ends, in the order of time and then of ids. */
export const revokedCursorSchema = z.object({
  since: timeMsSchema,
  after: z.union([beingIdSchema, sessionIdSchema]).optional(),
})
export type RevokedCursor = z.infer<typeof revokedCursorSchema>

/** Removals after a place; from the beginning if it is left out. */
export const internalRevokedQuerySchema = revokedCursorSchema.extend({
  since: z.coerce.number().int().min(0).default(0),
})

/**
 * A page of them. `next` is the place to go on from. With `isWhole` there are no more for now: then `next` lies far
 * enough back for what was being committed meanwhile to come after it.
 */
export const internalRevokedAnswerSchema = z.object({
  revoked: revokedSchema,
  sessions: endedSessionsSchema.optional().describe('Missing from an api that knows of none'),
  next: revokedCursorSchema,
  isWhole: z.boolean(),
})
export type InternalRevokedAnswer = z.infer<typeof internalRevokedAnswerSchema>

/** Said again it changes nothing: the latest time counts. Beings that do not exist are passed over. */
export const lastSeenBodySchema = z.object({
  beings: z.array(z.object({ being: beingIdSchema, at: timeMsSchema })).max(1000),
})
export type LastSeenBody = z.infer<typeof lastSeenBodySchema>

/** What is asked at once, at most. */
export const NEWS_QUESTION = { maxBeings: 100, maxPairs: 2000 } as const

/** `all`: beings, of whom all spaces are asked for. `some`: beings by the space that each is asked about. */
export const internalNewsBodySchema = z.object({
  all: z.array(beingIdSchema).max(NEWS_QUESTION.maxBeings),
  some: z
    .record(spaceIdSchema, z.array(beingIdSchema))
    .refine((some) => Object.values(some).flat().length <= NEWS_QUESTION.maxPairs, {
      message: `more than ${NEWS_QUESTION.maxPairs} beings`,
    }),
})
export type InternalNewsBody = z.infer<typeof internalNewsBodySchema>

/** `null` where the space is none of the being's own: it is gone, may not be read, or was left. */
export const internalNewsAnswerSchema = z.object({
  all: z.record(beingIdSchema, newsAnswerSchema),
  some: z.record(spaceIdSchema, z.record(beingIdSchema, newsSchema.nullable())),
})
export type InternalNewsAnswer = z.infer<typeof internalNewsAnswerSchema>
