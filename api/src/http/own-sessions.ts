/** The sessions of the caller: all of them, and ending one. */
import { listSessionsAnswerSchema, type SessionId, sessionParamsSchema } from '@rhizom/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { listSessions } from '../db/read/sessions.ts'
import { endSession } from '../db/write/sessions.ts'
import { requireBeing, requireSession, sessionOf } from './authenticate.ts'
import type { Grants } from './grants.ts'
import { ProblemError } from './problem-reply.ts'
import { type HttpApp, problems } from './route.ts'
import type { Services } from './services.ts'

export function registerOwnSessions(app: HttpApp, { database, tokens }: Services, grants: Grants): void {
  const own = { onRequest: requireSession(tokens), preHandler: requireBeing(database) }

  app.route({
    method: 'GET',
    url: '/v1/sessions',
    ...own,
    schema: {
      summary: 'The sessions of the caller that are not ended, the one used last first',
      security: [{ session: [] }],
      response: { 200: listSessionsAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { being, session } = sessionOf(request)
      return { sessions: await database.use((sql) => listSessions(sql, being, session)) }
    },
  })

  const end = async (request: FastifyRequest, reply: FastifyReply, id: SessionId | undefined): Promise<void> => {
    const { being } = sessionOf(request)
    const ended = id === undefined ? undefined : await database.use((sql) => endSession(sql, being, id))
    if (ended === undefined) throw new ProblemError('not-found', 'no such session of the caller', { path: 'id' })
    grants.ended([ended])
    reply.code(204)
  }

  app.route({
    method: 'DELETE',
    url: '/v1/sessions/current',
    ...own,
    schema: {
      summary: 'Sign out: end the session that asks',
      security: [{ session: [] }],
      response: { 204: z.undefined(), ...problems },
    },
    handler: (request, reply) => end(request, reply, sessionOf(request).session),
  })

  app.route({
    method: 'DELETE',
    url: '/v1/sessions/:id',
    ...own,
    schema: {
      summary: 'End a session of the caller: its tokens are refused everywhere from now on',
      security: [{ session: [] }],
      params: sessionParamsSchema,
      response: { 204: z.undefined(), ...problems },
    },
    handler: (request, reply) => end(request, reply, request.params.id),
  })
}
