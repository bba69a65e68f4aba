/** Sessions: a new guest and its token, a bot for its owner (bot-session.ts), who the caller is, and a fresh token. */
import { randomBytes } from 'node:crypto'
import {
  type Being,
  type BeingId,
  currentSessionAnswerSchema,
  postSessionAnswerSchema,
  postSessionBodySchema,
  refreshSessionAnswerSchema,
} from '@rhizom/protocol'
import { networkOf } from '@rhizom/process'
import { findBeing } from '../db/read/beings.ts'
import { createGuest } from '../db/write/guests.ts'
import { beingGone, requireSession, sessionOf } from './authenticate.ts'
import { botSessions } from './bot-session.ts'
import { ProblemError } from './problem-reply.ts'
import type { Rate } from './rate-limit.ts'
import { type HttpApp, problems } from './route.ts'
import type { Services } from './services.ts'

/** Enough for a made-up id to be free at the second try, should the first be taken. */
const ATTEMPTS = 3
const NAME_PART_LENGTH = 40
/** A name and an id of the greatest length, every character of them escaped, is 1.6 KiB. */
const SESSION_BODY_BYTES = 2048

export function registerSessions(app: HttpApp, { config, database, limiter, tokens }: Services): void {
  const rate: Rate = { name: 'sessions', perSecond: config.SESSIONS_PER_SECOND, burst: config.SESSIONS_BURST }
  const sessionOfBot = botSessions({ database, tokens })

  app.route({
    method: 'POST',
    url: '/v1/sessions',
    bodyLimit: SESSION_BODY_BYTES,
    // Before the schema: an attempt that is refused costs something as well.
    preValidation: async (request) => {
      if (rate.perSecond > 0) await limiter.take(networkOf(request.ip), rate, 1)
    },
    schema: {
      summary: 'Sign in as a new guest, located nowhere; with a token and `being`, as a bot that one owns',
      body: postSessionBodySchema,
      response: { 201: postSessionAnswerSchema, ...problems },
    },
    handler: async (request, reply) => {
      const { name, id, being: bot } = request.body
      reply.code(201)
      if (name === undefined) return sessionOfBot(request, bot ?? '')
      const being = await database.use(async (sql) => {
        if (id !== undefined) return createGuest(sql, id, name)
        for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
          const made = await createGuest(sql, madeUpId(name, randomBytes(5)), name)
          if (made !== undefined) return made
        }
        return undefined
      })
      if (being === undefined) throw new ProblemError('taken', `${id ?? 'the id'} is taken`, { path: 'id' })
      return { ...(await tokens.issue(being.id)), being }
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
    schema: {
      summary: 'A fresh token for the same being',
      security: [{ session: [] }],
      response: { 200: refreshSessionAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const being = await current(sessionOf(request).being)
      return { ...(await tokens.issue(being.id)), being }
    },
  })
}

/** `Ada Lovelace` becomes `@ada-lovelace-3f9a…`: readable, and random enough to be free. */
export function madeUpId(name: string, random: Buffer): string {
  const readable = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, NAME_PART_LENGTH)
  return `@${readable === '' ? 'guest' : readable}-${random.toString('hex')}`
}
