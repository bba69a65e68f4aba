/**
 * /healthz: the process runs. /readyz: its dependencies answer. /metrics: Prometheus. Redis carries only hints and a
 * node without it still does its work, so whatever decides about traffic asks `/readyz?exclude=redis`, as one asks the
 * Kubernetes api server.
 */
import { z } from 'zod'
import { isRedisFailure } from '../redis-failure.ts'
import type { HttpApp } from './route.ts'
import type { Services } from './services.ts'

const part = z.enum(['up', 'down'])
const readiness = z.object({ status: z.enum(['ready', 'not-ready', 'stopping']), postgres: part, redis: part })
const upOrDown = (isUp: boolean): z.infer<typeof part> => (isUp ? 'up' : 'down')
const readinessQuery = z.object({ exclude: z.string().default('') })

export function registerHealth(app: HttpApp, { database, isRedisFit, isStopping, metrics, redis }: Services): void {
  app.route({ method: 'GET', url: '/healthz', schema: { hide: true }, handler: async () => ({ status: 'ok' }) })

  app.route({
    method: 'GET',
    url: '/readyz',
    schema: { hide: true, querystring: readinessQuery, response: { 200: readiness, 503: readiness } },
    handler: async (request, reply) => {
      const [isPostgresReady, doesRedisAnswer] = await Promise.all([
        database.isReady(),
        redis.ping().then(
          () => true,
          (error: unknown) => {
            if (isRedisFailure(error)) return false
            throw error
          },
        ),
      ])
      const [postgres, redisUp] = [upOrDown(isPostgresReady), upOrDown(doesRedisAnswer && isRedisFit())]
      const needsRedis = !request.query.exclude.split(',').includes('redis')
      const ready = postgres === 'up' && (redisUp === 'up' || !needsRedis) && !isStopping()
      reply.code(ready ? 200 : 503)
      return { status: isStopping() ? 'stopping' : ready ? 'ready' : 'not-ready', postgres, redis: redisUp } as const
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
