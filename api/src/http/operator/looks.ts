/** What operators look at: beings and spaces, sessions, invites, nodes, and what operators did. */
import {
  auditQuerySchema,
  auditSchema,
  foundBeingsSchema,
  foundSpacesSchema,
  listInvitesAnswerSchema,
  type Nodes,
  nodesSchema,
  type OperatorFind,
  operatorBeingParamsSchema,
  operatorFindSchema,
  operatorSessionsSchema,
  operatorSpaceParamsSchema,
  PROTOCOL_VERSION,
} from '@rhizom/protocol'
import type { FastifyRequest } from 'fastify'
import { v7 as uuidv7 } from 'uuid'
import { findBeingsOf, findSpacesOf, readAudit } from '../../db/read/operator-finds.ts'
import { listInvites } from '../../db/read/invites.ts'
import { listSessions } from '../../db/read/sessions.ts'
import { noteLook } from '../../db/write/operator-actions.ts'
import { readGateways } from '../../presence/read-gateways.ts'
import { ProblemError } from '../problem-reply.ts'
import { type HttpApp, problems } from '../route.ts'
import type { Services } from '../services.ts'
import type { OfOperators } from './of-operators.ts'
import { operatorOf } from './require-operator.ts'

export function registerLooks(
  app: HttpApp,
  { database, redis, seal }: Services,
  { onRequest, security }: OfOperators,
): void {
  const startedAt = Date.now()
  /** Before anything is shown. */
  const noted = async (request: FastifyRequest): Promise<void> => {
    const look = { id: uuidv7(), operator: operatorOf(request), action: 'look', target: targetOf(request.url) }
    await database.use((sql) => noteLook(sql, look))
  }

  app.route({
    method: 'GET',
    url: '/operator/v1/beings',
    onRequest,
    preHandler: noted,
    schema: {
      summary: 'Beings by parts of id and name, with what they hold; the latest, or the largest',
      security,
      querystring: operatorFindSchema,
      response: { 200: foundBeingsSchema, ...problems },
    },
    handler: async ({ query }) => {
      const beings = await database.use((sql) => findBeingsOf(sql, query))
      return { beings, nextCursor: nextOf(beings, query) }
    },
  })

  app.route({
    method: 'GET',
    url: '/operator/v1/spaces',
    onRequest,
    preHandler: noted,
    schema: {
      summary: 'Spaces, likewise',
      security,
      querystring: operatorFindSchema,
      response: { 200: foundSpacesSchema, ...problems },
    },
    handler: async ({ query }) => {
      const spaces = await database.use((sql) => findSpacesOf(sql, query))
      return { spaces, nextCursor: nextOf(spaces, query) }
    },
  })

  app.route({
    method: 'GET',
    url: '/operator/v1/beings/:being/sessions',
    onRequest,
    preHandler: noted,
    schema: {
      summary: 'Sessions of a being that are not ended',
      security,
      params: operatorBeingParamsSchema,
      response: { 200: operatorSessionsSchema, ...problems },
    },
    handler: async ({ params }) => {
      const sessions = await database.use((sql) => listSessions(sql, params.being, undefined))
      return { sessions: sessions.map(({ current: _current, ...session }) => session) }
    },
  })

  app.route({
    method: 'GET',
    url: '/operator/v1/spaces/:space/invites',
    onRequest,
    preHandler: noted,
    schema: {
      summary: 'Invites to a space that have not ended',
      security,
      params: operatorSpaceParamsSchema,
      response: { 200: listInvitesAnswerSchema, ...problems },
    },
    handler: async ({ params }) => ({ invites: await database.use((sql) => listInvites(sql, params.space)) }),
  })

  app.route({
    method: 'GET',
    url: '/operator/v1/audit',
    onRequest,
    schema: {
      summary: 'What operators did and why, the latest first',
      security,
      querystring: auditQuerySchema,
      response: { 200: auditSchema, ...problems },
    },
    handler: async ({ query: { limit, cursor } }) => {
      const actions = await database.use((sql) => readAudit(sql, placeIn(cursor), limit))
      const last = actions.at(-1)
      return { actions, nextCursor: actions.length < limit || last === undefined ? null : `${last.at} ${last.id}` }
    },
  })

  app.route({
    method: 'GET',
    url: '/operator/v1/nodes',
    onRequest,
    schema: {
      summary: 'This api node, and the gateways that Redis knows',
      security,
      response: { 200: nodesSchema, ...problems },
    },
    handler: async (): Promise<Nodes> => ({
      api: { startedAt, protocol: PROTOCOL_VERSION },
      gateways: await readGateways(redis, seal.names),
    }),
  })
}

const MAX_TARGET_LENGTH = 500
const targetOf = (url: string): string => url.replace('/operator/v1', '').slice(0, MAX_TARGET_LENGTH)

/** Only the order of ids has a next page. */
function nextOf(found: readonly { id: string }[], { sort, limit }: OperatorFind): string | null {
  return sort !== 'id' || found.length < limit ? null : (found.at(-1)?.id ?? null)
}

function placeIn(cursor: string | undefined): { at: number; id: string } | undefined {
  if (cursor === undefined) return undefined
  const [, at, id] = /^(\d{1,15}) ([0-9a-f-]{36})$/.exec(cursor) ?? []
  if (at === undefined || id === undefined) throw new ProblemError('malformed', 'no such cursor', { path: 'cursor' })
  return { at: Number(at), id }
}
