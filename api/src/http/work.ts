/** GET /v1/work: what the caller may claim. A frame `work` on the socket says when to ask again. */
import { workAnswerSchema, workQuerySchema } from '@rhizom/protocol'
import { readWork } from '../db/read/work.ts'
import { requireBeing, requireSession, sessionOf } from './authenticate.ts'
import { type HttpApp, problems } from './route.ts'
import type { Services } from './services.ts'

export function registerWork(app: HttpApp, { config, database, tokens }: Services): void {
  app.route({
    method: 'GET',
    url: '/v1/work',
    onRequest: requireSession(tokens),
    preHandler: requireBeing(database),
    schema: {
      summary: 'Drafts of the caller, over all spaces: what it may claim, oldest first',
      security: [{ session: [] }],
      querystring: workQuerySchema,
      response: { 200: workAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const size = { items: request.query.limit, bytes: config.PAGE_BYTES }
      return { work: await database.use((sql) => readWork(sql, sessionOf(request).being, size)) }
    },
  })
}
