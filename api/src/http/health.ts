/**
 * /healthz: the process runs. /readyz: it can do its work, which needs Postgres; Redis carries only hints, so its
 * absence is told but does not take a node out of service. /metrics: Prometheus.
 */
import { z } from 'zod'
import { DatabaseAway } from '../db/failure.ts'
import type { App } from './route.ts'
import type { Services } from './services.ts'

const part = z.enum(['up', 'down'])
const readiness = z.object({ status: z.enum(['ready', 'not-ready', 'stopping']), postgres: part, redis: part })

export function registerHealth(app: App, { database, isStopping, metrics, redis }: Services): void {
  app.route({ method: 'GET', url: '/healthz', schema: { hide: true }, handler: async () => ({ status: 'ok' }) })

  app.route({
    method: 'GET',
    url: '/readyz',
    schema: { hide: true, response: { 200: readiness, 503: readiness } },
    handler: async (_request, reply) => {
      const [postgres, redisUp] = await Promise.all([
        database
          .use((sql) => sql`select 1`)
          .then(
            () => 'up' as const,
            (error: unknown) => {
              if (error instanceof DatabaseAway) return 'down' as const
              throw error
            },
          ),
        redis.ping().then(
          () => 'up' as const,
          () => 'down' as const,
        ),
      ])
      const ready = postgres === 'up' && !isStopping()
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
