/**
 * The HTTP side of a node, with a face on each of its two ports: Fastify with its hooks and the routes of that face.
 * Each route file says what it answers; what holds for all of them is here: problem documents, CORS, limits on size and
 * number, metrics.
 *
 * Answers are not validated against their schemas as they leave: they are typed, and tests parse every one of them.
 */
import type { IncomingHttpHeaders } from 'node:http'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import { isOriginAllowed } from '@rhizom/process'
import { PROTOCOL_VERSION } from '@rhizom/protocol'
import fastifyModule, { type FastifyBaseLogger, fastify } from 'fastify'
import { jsonSchemaTransform, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { cutUnreadAnswers } from './answer-deadline.ts'
import { sayWhatMayBeKept } from './caching.ts'
import { BodyDiscards } from './discard-body.ts'
import { registerHealth, registerReadiness } from './health.ts'
import { registerInternal } from './internal.ts'
import { registerInvites } from './invites.ts'
import { acceptJsonBodies, NO_BODY_BYTES } from './json-body.ts'
import { refuseOtherMethods } from './method-not-allowed.ts'
import { registerKeys } from './keys.ts'
import { registerMutations } from './mutations.ts'
import { registerOperator } from './operator/operator.ts'
import { registerPresence } from './presence.ts'
import { payForAnswers } from './pay-for-answers.ts'
import { brokenRequests, nothingAt, problemReplies, sendProblem } from './problem-reply.ts'
import { REQUEST_ID_HEADER, requestIdOf, tellRequestIds } from './request-id.ts'
import { registerReading } from './reading.ts'
import type { HttpApp } from './route.ts'
import type { Services } from './services.ts'
import { registerSessions } from './sessions.ts'
import { registerSpaces } from './spaces.ts'
import type { OpenConnections } from './open-connections.ts'
import type { UnderWay } from './under-way.ts'
import { registerWork } from './work.ts'

/** How often connections are looked at for requests that take too long. */
const TIMEOUT_CHECK_MS = 1000

/** What strangers reach, and what only we do: on the public port nothing tells of the inside. */
export type Face = 'public' | 'internal'

export async function buildApp(face: Face, connections: OpenConnections, services: Services): Promise<HttpApp> {
  const { config } = services
  const loggerInstance: FastifyBaseLogger = services.log
  const replyWithProblem = problemReplies(new BodyDiscards())
  const app: HttpApp = fastify({
    loggerInstance,
    logController: new fastifyModule.LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestIdOf,
    // Each route that takes a body says how large it may be.
    bodyLimit: NO_BODY_BYTES,
    requestTimeout: config.REQUEST_TIMEOUT_MS,
    keepAliveTimeout: config.KEEP_ALIVE_TIMEOUT_MS,
    http: {
      requestTimeout: config.REQUEST_TIMEOUT_MS,
      headersTimeout: config.REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    },
    // Whose word counts is decided by how near it is: addresses of proxies change from one deployment to the next.
    trustProxy: (_address, hop) => hop < config.TRUST_PROXY,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // Nobody waits for this one.
    frameworkErrors: (refusal, request, reply) => {
      replyWithProblem(refusal, request, reply).catch((fault: unknown) => {
        request.log.error({ err: fault }, 'a refused request could not be answered')
        reply.raw.destroy()
      })
    },
    clientErrorHandler: brokenRequests(connections, services.log),
  }).withTypeProvider<ZodTypeProvider>()
  connections.attach(app.server)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  app.setErrorHandler(replyWithProblem)
  // Reached where a handler gives a request up, as that of CORS does with an OPTIONS that is no preflight.
  app.setNotFoundHandler((request, reply) => sendProblem(reply, nothingAt(request).problem))
  app.decorateRequest('session', null)
  app.decorateRequest('holding', null)
  app.decorateRequest('operator', null)
  tellRequestIds(app)
  acceptJsonBodies(app, services)
  observe(app, services)
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // A node on its way down must not keep its clients' connections, or it would wait for them.
    if (services.isStopping()) reply.header('connection', 'close')
    done()
  })
  sayWhatMayBeKept(app)
  cutUnreadAnswers(app, config.ANSWER_TIMEOUT_MS)
  boundRequests(app, services.underWay)
  payForAnswers(app, services)

  await app.register(helmet, {
    // Nothing here is a page. Transport security is for whoever terminates TLS to demand.
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    strictTransportSecurity: false,
  })
  // Pages have no business on the internal port.
  if (face === 'public')
    await app.register(cors, {
      delegator: (request, done) =>
        done(null, {
          origin: mayRead(request.headers, config.ALLOWED_ORIGINS),
          methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
          // Date as well: clients whose own date is wrong go by it.
          exposedHeaders: ['ETag', 'Retry-After', 'Date', REQUEST_ID_HEADER],
          maxAge: 600,
          // The plugin's own refusal of an incomplete preflight is no problem document.
          strictPreflight: false,
        }),
    })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'rhizom api', version: `${PROTOCOL_VERSION}` },
      components: { securitySchemes: SECURITY_SCHEMES[face] },
    },
    transform: jsonSchemaTransform,
  })

  const refuseTheRest = refuseOtherMethods(app)
  registerHealth(app)
  registerFace[face](app, services)
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  refuseTheRest()
  return app
}

const SECURITY_SCHEMES = {
  public: { session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
  internal: {
    internal: { type: 'http', scheme: 'bearer', description: 'INTERNAL_TOKEN, for gateways' },
    operator: { type: 'http', scheme: 'bearer', description: 'One of OPERATOR_TOKENS' },
  },
} as const

const registerFace: Readonly<Record<Face, (app: HttpApp, services: Services) => void>> = {
  public: (app, services) => {
    registerSessions(app, services)
    registerSpaces(app, services)
    registerMutations(app, services)
    registerInvites(app, services)
    registerReading(app, services)
    registerWork(app, services)
    registerPresence(app, services)
    registerKeys(app, services)
  },
  internal: (app, services) => {
    registerReadiness(app, services)
    registerInternal(app, services)
    registerOperator(app, services)
  },
}

/** Whether a page may read the answer. What names no origin is no page of another one, and needs no header. */
const mayRead = ({ origin, host }: IncomingHttpHeaders, allowed: readonly string[]): boolean =>
  origin !== undefined && isOriginAllowed(origin, host, allowed)

function observe(app: HttpApp, { metrics }: Services): void {
  app.addHook('onResponse', (request, reply, done) => {
    metrics.requestSeconds.observe(
      { method: request.method, route: request.routeOptions.url ?? 'unknown', status: reply.statusCode },
      reply.elapsedTime / 1000,
    )
    done()
  })
}

/** Requests count as under way when their body is there, which for most is at once. What is nowhere is not received. */
function boundRequests(app: HttpApp, underWay: UnderWay): void {
  app.addHook('onRequest', (request, reply, done) => {
    underWay.begin(request, reply)
    done()
  })
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    if (request.is404) throw nothingAt(request)
    done()
  })
  app.addHook('preValidation', (request, _reply, done) => {
    underWay.takePlace(request)
    done()
  })
}
