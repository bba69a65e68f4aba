/**
 * Invites: made, listed and revoked by owners of a space, accepted by whoever shows the secret. To everybody else a
 * space, its invites and whether there are any is as the space itself is to them.
 */
import { NO_SUCH_INVITE, worthOf } from '@rhizom/domain'
import {
  type AcceptInviteAnswer,
  acceptInviteAnswerSchema,
  acceptInviteBodySchema,
  type BeingId,
  inviteParamsSchema,
  listInvitesAnswerSchema,
  type Mutation,
  postInviteAnswerSchema,
  postInviteBodySchema,
  type SpaceId,
  spaceParamsSchema,
} from '@rhizom/protocol'
import type { FastifyRequest } from 'fastify'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import type { Sql } from '../db/database.ts'
import { readRights } from '../db/read/access.ts'
import { findInvite, type FoundInvite, listInvites } from '../db/read/invites.ts'
import { makeInvite, revokeInvite } from '../db/write/invites.ts'
import { lockSpaces } from '../db/write/load-world.ts'
import { take } from './afford.ts'
import { beingGone, requireBeing, requireSession, sessionOf } from './authenticate.ts'
import { digestOf, inviteSecretText, newInviteSecret, parseInviteSecret } from './invite-secret.ts'
import { ProblemError } from './problem-reply.ts'
import { overQuota } from './quotas.ts'
import { type HttpApp, problems } from './route.ts'
import type { Services } from './services.ts'
import { spaceNotFound } from './spaces.ts'

/** A secret is 80 bytes, and what is asked of an invite less. */
const INVITE_BODY_BYTES = 1024
/** Each is kept until it ends. */
const MAX_OPEN_INVITES = 100
/** So many mutations each request costs: an attempt asks the database, and there is nothing to try out. */
const COST = 10

export function registerInvites(app: HttpApp, services: Services): void {
  const { accounts, database, tokens } = services
  const shared = {
    onRequest: requireSession(tokens),
    preHandler: requireBeing(database),
    // Before the schema: what is refused costs something as well.
    preValidation: (request: FastifyRequest): Promise<void> =>
      take(accounts, [{ budget: 'mutations', account: sessionOf(request).being, cost: COST }]),
  }
  const security = [{ session: [] }]

  app.route({
    method: 'POST',
    url: '/v1/spaces/:space/invites',
    bodyLimit: INVITE_BODY_BYTES,
    ...shared,
    schema: {
      summary: 'Make an invite: a role in a space for whoever shows its secret, so many times, until it ends',
      security,
      params: spaceParamsSchema,
      body: postInviteBodySchema,
      response: { 201: postInviteAnswerSchema, ...problems },
    },
    handler: async (request, reply) => {
      const { being } = sessionOf(request)
      const { space } = request.params
      const secret = newInviteSecret()
      const made = { ...request.body, id: secret.id, secret: digestOf(secret), space, by: being }
      const invite = await database.use(async (sql) => {
        await mustGovern(sql, space, being)
        await sql`begin`
        await lockSpaces(sql, [space])
        // Asked again under the lock, which only owners get to wait for.
        await mustGovern(sql, space, being)
        const done = await makeInvite(sql, made, MAX_OPEN_INVITES)
        await sql`commit`
        return done
      })
      if (invite === undefined)
        throw new ProblemError('forbidden', `${MAX_OPEN_INVITES} invites are open, which is as many as there may be`)
      reply.code(201)
      return { invite, secret: inviteSecretText(secret) }
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/spaces/:space/invites',
    onRequest: shared.onRequest,
    preHandler: shared.preHandler,
    schema: {
      summary: 'The invites of a space that have not ended, for its owners',
      security,
      params: spaceParamsSchema,
      response: { 200: listInvitesAnswerSchema, ...problems },
    },
    handler: (request) =>
      database.use(async (sql) => {
        await mustGovern(sql, request.params.space, sessionOf(request).being)
        return { invites: await listInvites(sql, request.params.space) }
      }),
  })

  app.route({
    method: 'DELETE',
    url: '/v1/spaces/:space/invites/:invite',
    ...shared,
    schema: {
      summary: 'Revoke an invite: from now on it is none',
      security,
      params: inviteParamsSchema,
      response: { 204: z.undefined(), ...problems },
    },
    handler: async (request, reply) => {
      const { space, invite } = request.params
      const wasThere = await database.use(async (sql) => {
        await mustGovern(sql, space, sessionOf(request).being)
        await sql`begin`
        const done = await revokeInvite(sql, space, invite)
        await sql`commit`
        return done
      })
      if (!wasThere) throw noSuchInvite()
      reply.code(204)
    },
  })

  app.route({
    method: 'POST',
    url: '/v1/invites/accept',
    bodyLimit: INVITE_BODY_BYTES,
    ...shared,
    schema: {
      summary: 'Accept an invite by its secret; what is no invite (any more) is not found, whatever became of it',
      security,
      body: acceptInviteBodySchema,
      response: { 200: acceptInviteAnswerSchema, ...problems },
    },
    handler: async (request) => {
      const { being } = sessionOf(request)
      const secret = parseInviteSecret(request.body.secret)
      if (secret === undefined) throw noSuchInvite()
      const found = await database.use((sql) => findInvite(sql, secret.id, digestOf(secret), being))
      if (found === undefined) throw noSuchInvite()
      const worth = worthOf(found, found.at)
      switch (worth) {
        case 'none':
          throw noSuchInvite()
        case 'nothing':
          return { space: found.invite.space }
        case 'role':
          return accept(services, request, found)
        default:
          return worth satisfies never
      }
    },
  })
}

/** In the turn of its space, where it is decided again. What is known to be none has not come here, and waits not. */
async function accept(
  services: Services,
  request: FastifyRequest,
  { invite: { id: invite, space, role } }: FoundInvite,
): Promise<AcceptInviteAnswer> {
  const holder = sessionOf(request)
  const id = uuidv7()
  const mutation: Mutation = { id, space, name: 'member.put', args: { being: holder.being, role } }
  if ((await overQuota(services, holder, space, [mutation])).size > 0) throw noSuchInvite()
  const outcome = await services.writes.submit(space, { actor: holder.being, invite, mutations: [mutation] })
  switch (outcome.status) {
    case 'actor-gone':
      throw beingGone()
    case 'decided': {
      const [result] = outcome.results
      if (result === undefined || result.status === 'rejected') throw noSuchInvite()
      return { space, ...(result.version === undefined ? {} : { version: result.version }) }
    }
    default:
      return outcome satisfies never
  }
}

const noSuchInvite = (): ProblemError => new ProblemError('not-found', NO_SUCH_INVITE.message)

/** Only who may read a space learns that it is there, and that they may not. */
async function mustGovern(sql: Sql, space: SpaceId, being: BeingId): Promise<void> {
  const rights = await readRights(sql, space, being)
  if (rights === undefined) throw spaceNotFound(space)
  if (!rights.includes('govern')) throw new ProblemError('forbidden', 'only an owner invites')
}
