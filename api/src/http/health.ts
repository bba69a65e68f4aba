/**
 * /healthz: the process runs. /readyz: its dependencies answer. /metrics: Prometheus. Redis carries only hints and a
 * node without it still does its work, so whatever decides about traffic asks `/readyz?exclude=redis`, as one asks the
 * Kubernetes api server.
 */
import { isRedisFailure } from '@rhizom/process'
import { z } from 'zod'
import type { HttpApp } from './route.ts'
import type { Services } from './services.ts'

const parts = z.object({ postgres: z.boolean(), redis: z.boolean(), accepting: z.boolean() })
const readiness = z.object({ status: z.enum(['ready', 'not-ready']), parts })
const readinessQuery = z.object({ exclude: z.string().default('') })

export function registerHealth(app: HttpApp, { database, isRedisFit, isStopping, metrics, redis }: Services): void {
  app.route({ method: 'GET', url: '/healthz', schema: { hide: true }, handler: async () => ({ status: 'up' }) })

  app.route({
    method: 'GET',
    url: '/readyz',
    schema: { hide: true, querystring: readinessQuery, response: { 200: readiness, 503: readiness } },
    handler: async (request, reply) => {
      const [postgres, doesRedisAnswer] = await Promise.all([
        database.isReady(),
        redis.ping().then(
          () => true,
          (error: unknown) => {
            if (isRedisFailure(error)) return false
            throw error
          },
        ),
      ])
      const parts = { postgres, redis: doesRedisAnswer && isRedisFit(), accepting: !isStopping() }
      const excluded = request.query.exclude.split(',')
      const isReady = Object.entries(parts).every(([name, answers]) => answers || excluded.includes(name))
      reply.code(isReady ? 200 : 503)
      return { status: isReady ? 'ready' : 'not-ready', parts } as const
    },
  })

  app.route({
    method: 'GET',
    url: '/metrics',
    schema: { hide: true },
    handler: async (_request, reply) => {
      reply.header('content-type', metrics.registry.contentType)
      return metrics.registry.metrics()
    },
  })
}
