/**
 * The HTTP side of a node: Fastify with its hooks and all routes. Each route file says what it answers; what holds
 * for all of them is here: problem documents, CORS, limits on size and number, metrics.
 *
 * Answers are not validated against their schemas as they leave: they are typed, and tests parse every one of them.
 */
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import { PROTOCOL_VERSION, problemOf } from '@rhizom/protocol'
import fastifyModule, { type FastifyBaseLogger, fastify } from 'fastify'
import { jsonSchemaTransform, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { registerHealth } from './health.ts'
import { registerInternal } from './internal.ts'
import { refuseOtherMethods } from './method-not-allowed.ts'
import { registerMutations } from './mutations.ts'
import { registerPresence } from './presence.ts'
import { answerBrokenRequest, ProblemError, replyWithProblem, sendProblem } from './problem-reply.ts'
import type { App } from './route.ts'
import type { Services } from './services.ts'
import { registerSessions } from './sessions.ts'
import { registerSpaces } from './spaces.ts'

export async function buildApp(services: Services): Promise<App> {
  const { config } = services
  const loggerInstance: FastifyBaseLogger = services.log
  const app: App = fastify({
    loggerInstance,
    logController: new fastifyModule.LogController({ disableRequestLogging: true }),
    bodyLimit: config.MAX_BODY_BYTES,
    // Whose word counts is decided by how near it is: addresses of proxies change from one deployment to the next.
    trustProxy: (_address, hop) => hop < config.TRUST_PROXY,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void replyWithProblem(error, request, reply),
    clientErrorHandler: answerBrokenRequest,
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  app.setErrorHandler(replyWithProblem)
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, problemOf('not-found', `nothing is at ${request.url.split('?', 1)[0]}`)),
  )
  app.removeContentTypeParser('text/plain')
  app.decorateRequest('session', null)
  observe(app, services)
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // A node on its way down must not keep its clients' connections, or it would wait for them.
    if (services.isStopping()) reply.header('connection', 'close')
    done()
  })
  boundRequests(app, config.MAX_CONCURRENT_REQUESTS)

  await app.register(helmet, {
    // Nothing here is a page. Transport security is for whoever terminates TLS to demand.
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    strictTransportSecurity: false,
  })
  await app.register(cors, {
    delegator: (request, done) =>
      done(null, {
        origin: isAllowed(request.headers.origin, request.headers.host, config.ALLOWED_ORIGINS),
        exposedHeaders: ['ETag', 'Retry-After'],
        maxAge: 600,
      }),
  })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'rhizom api', version: `${PROTOCOL_VERSION}` },
      components: {
        securitySchemes: {
          session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
          internal: { type: 'http', scheme: 'bearer', description: 'INTERNAL_TOKEN, for gateways' },
        },
      },
    },
    transform: jsonSchemaTransform,
  })

  const refuseTheRest = refuseOtherMethods(app)
  registerHealth(app, services)
  registerSessions(app, services)
  registerSpaces(app, services)
  registerMutations(app, services)
  registerPresence(app, services)
  registerInternal(app, services)
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  refuseTheRest()
  return app
}

/** With no list, pages of the same origin only. */
function isAllowed(origin: string | undefined, host: string | undefined, allowed: readonly string[]): boolean {
  if (origin === undefined) return false
  if (allowed.includes('*') || allowed.includes(origin)) return true
  return allowed.length === 0 && URL.canParse(origin) && new URL(origin).host === host
}

function observe(app: App, { metrics }: Services): void {
  app.addHook('onResponse', (request, reply, done) => {
    metrics.requestSeconds.observe(
      { method: request.method, route: request.routeOptions.url ?? 'unknown', status: reply.statusCode },
      reply.elapsedTime / 1000,
    )
    done()
  })
}

/** More requests than can be served soon are refused at once, before they cost anything. */
function boundRequests(app: App, max: number): void {
  let underWay = 0
  app.addHook('onRequest', (request, reply, done) => {
    const isProbe = !request.url.startsWith('/v1/') && !request.url.startsWith('/internal/')
    if (isProbe) return done()
    if (underWay >= max)
      return done(new ProblemError('unavailable', 'too many requests are under way', { retryAfterMs: 1000 }))
    underWay += 1
    reply.raw.once('close', () => {
      underWay -= 1
    })
    done()
  })
}
