/**
 * How far the caller has read, and what is new to it. A mark that goes further is told to the gateways, so that every
 * device of the caller learns it.
 */
import { newsAnswerSchema, putReadAnswerSchema, putReadBodySchema, spaceParamsSchema } from '@rhizom/protocol'
import { readNews, readNewsOf } from '../db/read/news.ts'
import { markRead } from '../db/write/reads.ts'
import { take } from './afford.ts'
import { requireBeing, requireSession, sessionOf } from './authenticate.ts'
import { type HttpApp, problems } from './route.ts'
import type { Services } from './services.ts'
import { spaceNotFound } from './spaces.ts'

/** A number, and room for what a later client may say beside it. */
const READ_BODY_BYTES = 1024

export function registerReading(app: HttpApp, { accounts, database, publisher, tokens }: Services): void {
  const session = { onRequest: requireSession(tokens), preHandler: requireBeing(database) }
  const security = [{ session: [] }]

  app.route({
    method: 'PUT',
    url: '/v1/spaces/:space/read',
    ...session,
    bodyLimit: READ_BODY_BYTES,
    // What is refused is counted.
    preValidation: (request) => take(accounts, [{ budget: 'mutations', account: sessionOf(request).being, cost: 1 }]),
    schema: {
      summary: 'Mark a space read up to a version, which only ever grows',
      security,
      params: spaceParamsSchema,
      body: putReadBodySchema,
      response: { 200: putReadAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { space } = request.params
      const { being } = sessionOf(request)
      const { mark, news } = await database.use(async (sql) => {
        const marked = await markRead(sql, being, space, request.body.version)
        if (marked === undefined) throw spaceNotFound(space)
        const { [space]: ofSpace } = await readNewsOf(sql, { [space]: [being] })
        return { mark: marked, news: ofSpace?.[being] }
      })
      if (mark.isFurther) publisher.tellOfNews(new Map([[space, [being]]]))
      // It was lost between the two: nothing in it is new to who cannot read it.
      return { version: mark.version, unread: news?.unread ?? 0, mentions: news?.mentions ?? 0 }
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/news',
    ...session,
    schema: {
      summary: "What is unread in the caller's spaces, those that changed last",
      security,
      response: { 200: newsAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { being } = sessionOf(request)
      const news = await database.use((sql) => readNews(sql, [being]))
      return news.get(being) ?? { spaces: {}, hasMore: false }
    },
  })
}
