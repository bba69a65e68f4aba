/**
 * What gateways ask: how a follower of a space gets to where the space stands, where many spaces stand, and whose
 * tokens are no longer good. And what they report: who left, and when.
 */
import { internalTokensOf } from '@rhizom/process'
import {
  INSTALLATION_HEADER,
  type InternalRead,
  internalHeadsAnswerSchema,
  internalHeadsBodySchema,
  type InternalNewsAnswer,
  internalNewsAnswerSchema,
  internalNewsBodySchema,
  internalReadQuerySchema,
  internalReadSchema,
  type InternalRevokedAnswer,
  internalRevokedAnswerSchema,
  internalRevokedQuerySchema,
  lastSeenBodySchema,
  NO_SUCH_SPACE,
  type Position,
  type Space,
  spaceParamsSchema,
} from '@rhizom/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { readNews, readNewsOf } from '../db/read/news.ts'
import { readChanges, readHeads } from '../db/read/change-log.ts'
import type { Sql } from '../db/database.ts'
import type { PageSize } from '../db/read/pages.ts'
import { readRemoved } from '../db/read/removed-beings.ts'
import { readEnded } from '../db/read/sessions.ts'
import { readSnapshot, type SnapshotSizes } from '../db/read/snapshot.ts'
import { atOneMoment, readRoles, readSpace } from '../db/read/access.ts'
import { storeLastSeen } from '../db/write/last-seen.ts'
import { oneRevokedPage, revokedForMs, untilOf } from '../publish/revoked.ts'
import { requireInternalToken } from './authenticate.ts'
import { ProblemError } from './problem-reply.ts'
import { type HttpApp, problems } from './route.ts'
import type { Services } from './services.ts'
import { snapshotSizes } from './spaces.ts'

const REVOKED_PER_PAGE = 5000
/** As many spaces, and as many beings, as the schemas allow, with the longest names there are. */
const HEADS_BODY_BYTES = 1024 * 1024
const NEWS_BODY_BYTES = 512 * 1024
const LAST_SEEN_BODY_BYTES = 256 * 1024

export function registerInternal(app: HttpApp, { config, database, metrics, seal }: Services): void {
  const onRequest = requireInternalToken(internalTokensOf(config))
  // As they leave: by then the database was asked.
  const onSend = async (_request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (seal.installation !== undefined) reply.header(INSTALLATION_HEADER, seal.installation)
  }
  const sizes = snapshotSizes(config)
  const most: PageSize = { items: config.CATCH_UP_LIMIT, bytes: config.CATCH_UP_BYTES }

  app.route({
    method: 'GET',
    url: '/internal/spaces/:space',
    ...{ onRequest, onSend },
    schema: {
      summary: 'Access, position and what brings a follower there',
      security: [{ internal: [] }],
      params: spaceParamsSchema,
      querystring: internalReadQuerySchema,
      response: { 200: internalReadSchema, ...problems },
    },
    handler: async (request): Promise<InternalRead> => {
      const { epoch, after } = request.query
      if ((epoch === undefined) !== (after === undefined))
        throw new ProblemError('malformed', 'epoch and after go together', { path: 'after' })
      const held = epoch === undefined || after === undefined ? undefined : { epoch, version: after }
      const read = await database.use((connection) =>
        atOneMoment(connection, async (sql) => {
          const space = await readSpace(sql, request.params.space, 'gateway')
          if (space === undefined)
            throw new ProblemError('not-found', 'there is no such space', { path: NO_SUCH_SPACE })
          const [roles, catchUp] = await Promise.all([
            readRoles(sql, space.id),
            catchUpOf(sql, space, held, most, sizes),
          ])
          const access = { visibility: space.visibility, ...roles }
          return { access, epoch: space.epoch, version: space.version, catchUp }
        }),
      )
      metrics.internalReads.inc({ kind: read.catchUp.kind })
      return read
    },
  })

  app.route({
    method: 'POST',
    url: '/internal/heads',
    bodyLimit: HEADS_BODY_BYTES,
    ...{ onRequest, onSend },
    schema: {
      summary: 'Positions of spaces; those that do not exist are left out',
      security: [{ internal: [] }],
      body: internalHeadsBodySchema,
      response: { 200: internalHeadsAnswerSchema, ...problems },
    },
    handler: async (request) => ({ heads: await database.use((sql) => readHeads(sql, request.body.spaces)) }),
  })

  app.route({
    method: 'GET',
    url: '/internal/revoked',
    ...{ onRequest, onSend },
    schema: {
      summary: 'Removed beings and ended sessions whose tokens may not have run out yet, a page at a time',
      security: [{ internal: [] }],
      querystring: internalRevokedQuerySchema,
      response: { 200: internalRevokedAnswerSchema, ...problems },
    },
    handler: async (request): Promise<InternalRevokedAnswer> => {
      const forMs = revokedForMs(config.TOKEN_TTL_SECONDS)
      const [page, sessions] = await database.use((sql) =>
        Promise.all([
          readRemoved(sql, request.query, forMs, REVOKED_PER_PAGE),
          readEnded(sql, request.query, forMs, REVOKED_PER_PAGE),
        ]),
      )
      const { removed, ended, ...rest } = oneRevokedPage(page, sessions, REVOKED_PER_PAGE)
      return { revoked: untilOf(removed, forMs), sessions: untilOf(ended, forMs), ...rest }
    },
  })

  app.route({
    method: 'POST',
    url: '/internal/news',
    bodyLimit: NEWS_BODY_BYTES,
    onRequest,
    schema: {
      summary: 'What is unread to beings, in all their spaces or in some',
      security: [{ internal: [] }],
      body: internalNewsBodySchema,
      response: { 200: internalNewsAnswerSchema, ...problems },
    },
    handler: async ({ body }): Promise<InternalNewsAnswer> => {
      const [all, some] = await database.use((sql) =>
        Promise.all([readNews(sql, body.all), readNewsOf(sql, body.some)]),
      )
      return { all: Object.fromEntries(all), some }
    },
  })

  app.route({
    method: 'POST',
    url: '/internal/last-seen',
    bodyLimit: LAST_SEEN_BODY_BYTES,
    ...{ onRequest, onSend },
    schema: {
      summary: 'When beings were last seen',
      security: [{ internal: [] }],
      body: lastSeenBodySchema,
      response: { 202: z.object({}), ...problems },
    },
    handler: async (request, reply) => {
      const stored = await database.use((sql) => storeLastSeen(sql, request.body.beings))
      metrics.lastSeen.inc(stored)
      reply.code(202)
      return {}
    },
  })
}

/** A snapshot stands in wherever changes cannot be given, or are more than it is worth. */
async function catchUpOf(
  sql: Sql,
  space: Space,
  held: Position | undefined,
  most: PageSize,
  sizes: SnapshotSizes,
): Promise<InternalRead['catchUp']> {
  if (held !== undefined && space.version - held.version <= most.items) {
    const changes = await readChanges(sql, space, held, most)
    if (changes !== undefined && held.version + changes.length === space.version)
      return { kind: 'changes', from: held.version, changes }
  }
  return { kind: 'snapshot', snapshot: await readSnapshot(sql, space, sizes) }
}
