/**
 * What is new to somebody: how far it has read a space, and what others said there since.
 *
 *   PUT /v1/spaces/{space}/read {version}   read up to a version; only ever grows
 *   GET /v1/news                            of all one's spaces, for clients without a stream
 *   follow → news                           the same on a connection, at once and then as it changes
 *
 * One's spaces are those one is a member of, is located in, or has marked something read in. Counted are the newest
 * `LIMITS.maxUnread` intentions made after the version read, one's own left out: as many mean as many or more.
 */
import { z } from 'zod'
import { spaceIdSchema } from './id.ts'
import { LIMITS } from './limits.ts'
import { versionSchema } from './position.ts'

const counts = {
  unread: z.int().min(0).describe(`Of what others said since; ${LIMITS.maxUnread} are as many or more`),
  mentions: z.int().min(0).describe('How many of them mention the reader'),
}

export const newsSchema = z.object({ version: versionSchema.describe('That of the space'), ...counts })
export type News = z.infer<typeof newsSchema>

/** PUT /v1/spaces/{space}/read: what is beyond the space's version counts as that version. */
export const putReadBodySchema = z.object({ version: versionSchema })
export const putReadAnswerSchema = z.object({
  version: versionSchema.describe('Up to which the space is read'),
  ...counts,
})
export type PutReadAnswer = z.infer<typeof putReadAnswerSchema>

/** GET /v1/news */
export const newsAnswerSchema = z.object({
  spaces: z.record(spaceIdSchema, newsSchema),
  hasMore: z.boolean().describe('Whether one has more spaces than are told, which are those that changed last'),
})
export type NewsAnswer = z.infer<typeof newsAnswerSchema>
