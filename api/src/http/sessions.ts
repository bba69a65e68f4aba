/**
 * Sessions: a new guest and what it is given (grants.ts), a bot for its owner (bot-session.ts), whom an issuer vouches
 * for (identity-session.ts), who the caller is, and a fresh token, by a token or by the renewal. Which sessions one
 * has, and ending one: own-sessions.ts.
 */
import {
  type Being,
  type BeingId,
  currentSessionAnswerSchema,
  MAX_ASSERTION_BYTES,
  postSessionAnswerSchema,
  postSessionBodySchema,
  refreshSessionAnswerSchema,
  renewSessionBodySchema,
  signInAnswerSchema,
} from '@rhizom/protocol'
import { networkOf } from '@rhizom/process'
import type { FastifyRequest } from 'fastify'
import { findBeing } from '../db/read/beings.ts'
import { touchSession } from '../db/write/sessions.ts'
import { take } from './afford.ts'
import { beingGone, requireBeing, requireSession, sessionOf } from './authenticate.ts'
import { botSessions } from './bot-session.ts'
import { sessionGrants } from './grants.ts'
import { identitySessions } from './identity-session.ts'
import { newGuest } from './new-guest.ts'
import { registerOwnSessions } from './own-sessions.ts'
import { ProblemError } from './problem-reply.ts'
import { type HttpApp, problems } from './route.ts'
import type { Services } from './services.ts'

/** A renewal is 103 bytes. */
const RENEW_BODY_BYTES = 512
/** A name and an id of the greatest length, every character of them escaped, is 1.6 KiB. */
const SESSION_BODY_BYTES = 2048

export function registerSessions(app: HttpApp, services: Services): void {
  const { config, database, accounts, issuers, tokens } = services
  const grants = sessionGrants(services)
  const sessionOfBot = botSessions({ database, tokens, grants })
  const sessionOfIdentity = identitySessions({ database, tokens, grants })
  // Before the schema: an attempt that is refused costs something as well.
  const takeAttempt = (request: FastifyRequest): Promise<void> =>
    take(accounts, [{ budget: 'sessions', account: networkOf(request.ip), cost: 1 }])
  registerOwnSessions(app, services, grants)

  app.route({
    method: 'POST',
    url: '/v1/sessions',
    bodyLimit: SESSION_BODY_BYTES + (issuers.isEmpty ? 0 : MAX_ASSERTION_BYTES),
    preValidation: takeAttempt,
    schema: {
      summary:
        'Sign in: as a new guest, located nowhere; with a token and `being` as a bot that one owns; by an issuer',
      body: postSessionBodySchema,
      response: { 201: postSessionAnswerSchema, ...problems },
    },
    handler: async (request, reply) => {
      const { name, id, being: bot, assertion, code } = request.body
      reply.code(201)
      if (bot !== undefined) return sessionOfBot(request, bot)
      if (assertion !== undefined) return sessionOfIdentity(request, await issuers.verify(assertion))
      if (code !== undefined) return sessionOfIdentity(request, await issuers.exchange(code))
      if (!config.GUESTS) throw new ProblemError('forbidden', 'only those who have an account sign in here')
      // One of the ways is there: the schema says so.
      if (name === undefined) throw new ProblemError('malformed', 'a name is needed', { path: 'name' })
      const made = await database.use(async (sql) => {
        await sql`begin`
        const being = await newGuest(sql, name, id)
        const granted = being === undefined ? undefined : await grants.begin(sql, being.id)
        await sql`commit`
        return being === undefined || granted === undefined ? undefined : { being, granted }
      })
      if (made === undefined) throw new ProblemError('taken', `${id ?? 'the id'} is taken`, { path: 'id' })
      return { ...(await made.granted()), being: made.being }
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/sign-in',
    schema: { summary: 'The ways to sign in here', response: { 200: signInAnswerSchema, ...problems } },
    handler: async () => ({ guests: config.GUESTS, issuers: await issuers.describe() }),
  })

  app.route({
    method: 'POST',
    url: '/v1/sessions/renew',
    bodyLimit: RENEW_BODY_BYTES,
    preValidation: takeAttempt,
    schema: {
      summary: 'A fresh token and the next renewal, at any time until the session is ended',
      body: renewSessionBodySchema,
      response: { 200: postSessionAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { of, ...granted } = await grants.renew(request.body.renewal)
      return { ...granted, being: await current(of) }
    },
  })

  const current = async (id: BeingId): Promise<Being> => {
    const being = await database.use((sql) => findBeing(sql, id))
    if (being === undefined) throw beingGone()
    return being
  }

  app.route({
    method: 'GET',
    url: '/v1/sessions/current',
    onRequest: requireSession(tokens),
    preHandler: requireBeing(database),
    schema: {
      summary: 'Who the caller is',
      security: [{ session: [] }],
      response: { 200: currentSessionAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { being, expiresAt } = sessionOf(request)
      return { being: await current(being), expiresAt }
    },
  })

  app.route({
    method: 'POST',
    url: '/v1/sessions/current/refresh',
    onRequest: requireSession(tokens),
    preHandler: requireBeing(database),
    schema: {
      summary: 'A fresh token of the same session; for a token that is of none, a session',
      security: [{ session: [] }],
      response: { 200: refreshSessionAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { being: id, session } = sessionOf(request)
      const being = await current(id)
      if (session === undefined) {
        const granted = await database.use((sql) => grants.begin(sql, id))
        return { ...(await granted()), being }
      }
      await database.use((sql) => touchSession(sql, session))
      return { ...(await tokens.issue(id, session)), being }
    },
  })
}
