/** Who is here, and signals for clients without a socket: what lives in Redis only. */
import {
  isJsonObject,
  jsonBytes,
  postSignalBodySchema,
  presenceAnswerSchema,
  type SpaceId,
  spaceParamsSchema,
} from '@rhizom/protocol'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { readSpace } from '../db/read/access.ts'
import { readPresence } from '../presence/read-presence.ts'
import { take } from './afford.ts'
import { requireBeing, requireSession, sessionOf } from './authenticate.ts'
import { ProblemError } from './problem-reply.ts'
import { type HttpApp, problems } from './route.ts'
import type { Services } from './services.ts'
import { spaceNotFound } from './spaces.ts'

export function registerPresence(app: HttpApp, services: Services): void {
  const { accounts, config, database, publisher, tokens } = services
  const session = { onRequest: requireSession(tokens), preHandler: requireBeing(database) }

  const mustBeReadable = async (request: FastifyRequest, id: SpaceId): Promise<void> => {
    const space = await database.use((sql) => readSpace(sql, id, { being: sessionOf(request).being }))
    if (space === undefined) throw spaceNotFound(id)
  }

  app.route({
    method: 'GET',
    url: '/v1/spaces/:space/presence',
    ...session,
    schema: {
      summary: 'Who is here now',
      security: [{ session: [] }],
      params: spaceParamsSchema,
      response: { 200: presenceAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { space } = request.params
      await mustBeReadable(request, space)
      return readPresence(services, space, config.PRESENCE_LIST_LIMIT)
    },
  })

  app.route({
    method: 'POST',
    url: '/v1/spaces/:space/signals',
    ...session,
    bodyLimit: signalBodyBytes(config.MAX_SIGNAL_BYTES),
    // What is refused is counted.
    preValidation: async (request) => {
      await take(accounts, [{ budget: 'signals', account: sessionOf(request).being, cost: 1 }])
      const body: unknown = request.body
      const data = isJsonObject(body) ? body['data'] : undefined
      if (data !== undefined && jsonBytes(data) > config.MAX_SIGNAL_BYTES)
        throw new ProblemError('too-large', `more than ${config.MAX_SIGNAL_BYTES} bytes`, { path: 'data' })
    },
    schema: {
      summary: 'Signal to those who watch now; not stored',
      security: [{ session: [] }],
      params: spaceParamsSchema,
      body: postSignalBodySchema,
      response: { 202: z.object({}), ...problems },
    },
    handler: async (request, reply) => {
      const { space } = request.params
      const { name, data } = request.body
      const { being } = sessionOf(request)
      await mustBeReadable(request, space)
      if (!(await publisher.signal(space, being, name, data)))
        throw new ProblemError('unavailable', 'signals cannot be carried now', { retryAfterMs: 1000 })
      reply.code(202)
      return {}
    },
  })
}

/**
 * A sender that escapes whatever is not ASCII writes three times the bytes of UTF-8 at most. On top of that the name
 * and what stands around both.
 */
const signalBodyBytes = (dataBytes: number): number => 3 * dataBytes + 1024
