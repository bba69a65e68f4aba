/** Reading spaces: the list, the snapshot with its ETag, the log, older intentions, located beings. */
import {
  beingsAnswerSchema,
  beingsQuerySchema,
  changesAnswerSchema,
  changesQuerySchema,
  intentionsAnswerSchema,
  intentionsQuerySchema,
  listSpacesAnswerSchema,
  listSpacesQuerySchema,
  type Space,
  snapshotSchema,
  spaceBeingsAnswerSchema,
  spaceBeingsQuerySchema,
  type SpaceId,
  spaceIdSchema,
  spaceParamsSchema,
} from '@rhizom/protocol'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Config } from '../config.ts'
import { readChanges } from '../db/read/change-log.ts'
import type { Sql } from '../db/database.ts'
import { findBeings, readAuthors } from '../db/read/beings.ts'
import { readBefore, readNewest } from '../db/read/intentions.ts'
import { listBeings, listSpaces } from '../db/read/lists.ts'
import type { PageSize } from '../db/read/pages.ts'
import { readSnapshot, type SnapshotSizes } from '../db/read/snapshot.ts'
import { atOneMoment, readSpace } from '../db/read/access.ts'
import { requireBeing, requireSession, sessionOf } from './authenticate.ts'
import { ProblemError } from './problem-reply.ts'
import { type HttpApp, problems } from './route.ts'
import type { Services } from './services.ts'

export function registerSpaces(app: HttpApp, { config, database, tokens }: Services): void {
  const session = { onRequest: requireSession(tokens), preHandler: requireBeing(database) }
  const security = [{ session: [] }]
  const pageOf = (items: number): PageSize => ({ items, bytes: config.PAGE_BYTES })

  /** Runs `read` on one moment of a space that the caller may read; otherwise 404. */
  const inSpace = <T>(request: FastifyRequest, id: SpaceId, read: (sql: Sql, space: Space) => Promise<T>): Promise<T> =>
    database.use((connection) =>
      atOneMoment(connection, async (sql) => {
        const space = await readSpace(sql, id, { being: sessionOf(request).being })
        if (space === undefined) throw spaceNotFound(id)
        return read(sql, space)
      }),
    )

  app.route({
    method: 'GET',
    url: '/v1/spaces',
    ...session,
    schema: {
      summary: 'Spaces the caller may read',
      security,
      querystring: listSpacesQuerySchema,
      response: { 200: listSpacesAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { limit, cursor } = request.query
      const page = await database.use((sql) => listSpaces(sql, sessionOf(request).being, afterOf(cursor), limit))
      return { spaces: page.items, nextCursor: page.nextCursor }
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/spaces/:space',
    ...session,
    schema: {
      summary: 'A snapshot: the state of a space and the version it has',
      security,
      params: spaceParamsSchema,
      response: { 200: snapshotSchema, 304: z.null().describe('What is held is current'), ...problems },
    },
    handler: async (request, reply) => {
      const held = request.headers['if-none-match']
      const { etag, snapshot } = await inSpace(request, request.params.space, async (sql, space) => {
        const current = `"${space.epoch}:${space.version}"`
        return {
          etag: current,
          snapshot: matches(held, current) ? undefined : await readSnapshot(sql, space, snapshotSizes(config)),
        }
      })
      reply.header('etag', etag)
      return snapshot ?? reply.code(304).send(null)
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/spaces/:space/changes',
    ...session,
    schema: {
      summary: 'The log after a position; 410 if it does not reach back',
      security,
      params: spaceParamsSchema,
      querystring: changesQuerySchema,
      response: { 200: changesAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { epoch, after, limit } = request.query
      return inSpace(request, request.params.space, async (sql, space) => {
        const changes = await readChanges(sql, space, { epoch, version: after }, pageOf(limit))
        if (changes === undefined) throw new ProblemError('reset', 'the log does not reach back to that position')
        return { epoch: space.epoch, from: after, to: after + changes.length, head: space.version, changes }
      })
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/spaces/:space/intentions',
    ...session,
    schema: {
      summary: 'Older intentions with their authors',
      security,
      params: spaceParamsSchema,
      querystring: intentionsQuerySchema,
      response: { 200: intentionsAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { before, limit } = request.query
      return inSpace(request, request.params.space, async (sql, space) => {
        const page =
          before === undefined
            ? await readNewest(sql, space, pageOf(limit))
            : await readBefore(sql, space, before, pageOf(limit))
        if (page === undefined)
          throw new ProblemError('not-found', `no intention ${before} in ${space.id}`, { path: 'before' })
        return { ...page, beings: await readAuthors(sql, space.id, page.intentions, new Set(), config.PAGE_BYTES) }
      })
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/spaces/:space/beings',
    ...session,
    schema: {
      summary: 'Beings located in a space',
      security,
      params: spaceParamsSchema,
      querystring: spaceBeingsQuerySchema,
      response: { 200: spaceBeingsAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { cursor, limit } = request.query
      return inSpace(request, request.params.space, async (sql, { id }) => {
        const page = await listBeings(sql, id, afterOf(cursor), pageOf(limit))
        return { beings: page.items, nextCursor: page.nextCursor }
      })
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/beings',
    ...session,
    schema: {
      summary: 'Beings by id, up to a number of bytes; those that do not exist are left out',
      security,
      querystring: beingsQuerySchema,
      response: { 200: beingsAnswerSchema, ...problems },
    },
    handler: async (request) => ({
      beings: await database.use((sql) =>
        findBeings(sql, sessionOf(request).being, request.query.ids, config.PAGE_BYTES),
      ),
    }),
  })
}

export const snapshotSizes = (config: Config): SnapshotSizes => ({
  beings: { items: config.SNAPSHOT_BEINGS, bytes: config.SNAPSHOT_BYTES },
  intentions: { items: config.SNAPSHOT_INTENTIONS, bytes: config.SNAPSHOT_BYTES },
  authorBytes: config.SNAPSHOT_BYTES,
})

export const spaceNotFound = (id: SpaceId): ProblemError => new ProblemError('not-found', `no space ${id}`)

/** A cursor is the id to go on after; clients treat it as opaque. */
function afterOf(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  if (spaceIdSchema.safeParse(cursor).success) return cursor
  throw new ProblemError('malformed', 'not a cursor of this list', { path: 'cursor' })
}

/** If-None-Match, which may list several tags, weak ones among them. */
const matches = (held: string | undefined, etag: string): boolean =>
  held !== undefined && held.split(',').some((tag) => [etag, `W/${etag}`, '*'].includes(tag.trim()))
