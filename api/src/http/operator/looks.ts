/** What operators look at: beings and spaces, sessions, nodes, and what operators did. */
import {
  auditQuerySchema,
  auditSchema,
  foundBeingsSchema,
  foundSpacesSchema,
  type Nodes,
  nodesSchema,
  type OperatorFind,
  operatorBeingParamsSchema,
  operatorFindSchema,
  operatorSessionsSchema,
  PROTOCOL_VERSION,
} from '@rhizom/protocol'
import { findBeingsOf, findSpacesOf, readAudit } from '../../db/read/operator-finds.ts'
import { listSessions } from '../../db/read/sessions.ts'
import { readGateways } from '../../presence/read-gateways.ts'
import { ProblemError } from '../problem-reply.ts'
import { type HttpApp, problems } from '../route.ts'
import type { Services } from '../services.ts'
import type { OfOperators } from './of-operators.ts'

export function registerLooks(
  app: HttpApp,
  { database, redis, seal }: Services,
  { onRequest, security }: OfOperators,
): void {
  const startedAt = Date.now()

  app.route({
    method: 'GET',
    url: '/operator/v1/beings',
    onRequest,
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
