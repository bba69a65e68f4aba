/** Answers 405 with Allow where a path exists and the method does not. To be registered after all routes. */
import type { HTTPMethods } from 'fastify'
import { ProblemError } from './problem-reply.ts'
import type { HttpApp } from './route.ts'

const METHODS: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Notes the routes as they are registered; call the result when all are. */
export function refuseOtherMethods(app: HttpApp): () => void {
  const known = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = known.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    known.set(url, methods)
  })
  return () => {
    for (const [url, methods] of [...known]) {
      const others = METHODS.filter((method) => !methods.has(method))
      if (url === '*' || others.length === 0) continue
      const allow = [...methods].sort().join(', ')
      app.route({
        method: others,
        url,
        schema: { hide: true },
        onRequest: (request, reply, done) => {
          reply.header('allow', allow)
          done(new ProblemError('method-not-allowed', `${request.method} is not for ${request.url}`))
        },
        handler: () => undefined,
      })
    }
  }
}
