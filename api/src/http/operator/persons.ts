/** What operators do with a being: remove it, erase and export a person, and its sessions. */
import { Readable } from 'node:stream'
import {
  actedSchema,
  erasedSchema,
  issuedSchema,
  operatorBeingParamsSchema,
  operatorBodySchema,
  operatorSessionParamsSchema,
} from '@rhizom/protocol'
import { z } from 'zod'
import { placeOfBeing } from '../../db/read/operator-finds.ts'
import { endSession } from '../../db/write/sessions.ts'
import { sessionGrants } from '../grants.ts'
import { ProblemError } from '../problem-reply.ts'
import { type HttpApp, problems } from '../route.ts'
import type { Services } from '../services.ts'
import { OperatorActions } from './actions.ts'
import { erasePerson, putBeingAway } from './erase-person.ts'
import { exportPerson } from './export-person.ts'
import { BODY_BYTES, type OfOperators } from './of-operators.ts'

export function registerPersons(app: HttpApp, services: Services, { onRequest, security }: OfOperators): void {
  const { database } = services
  const actions = new OperatorActions(services)
  const grants = sessionGrants(services)
  const post = { method: 'POST', onRequest, bodyLimit: BODY_BYTES } as const
  const ofBeing = { security, params: operatorBeingParamsSchema, body: operatorBodySchema }

  app.route({
    ...post,
    url: '/operator/v1/beings/:being/remove',
    schema: {
      ...ofBeing,
      summary: 'Remove a being: its sessions end everywhere, and what it said stays',
      response: { 200: actedSchema, ...problems },
    },
    handler: (request) => {
      const { being } = request.params
      return actions.carryOut(request, { action: 'remove-being', target: being, ...request.body }, async () => {
        await putBeingAway({ database, actions }, being)
        return {}
      })
    },
  })

  app.route({
    ...post,
    url: '/operator/v1/beings/:being/erase',
    schema: {
      ...ofBeing,
      summary: 'Erase a person: the being, its documents and bots are removed, and every word of them with it',
      response: { 200: erasedSchema, ...problems },
    },
    handler: (request) => {
      const { being } = request.params
      return actions.carryOut(request, { action: 'erase', target: being, ...request.body }, () =>
        erasePerson({ database, actions }, being),
      )
    },
  })

  app.route({
    ...post,
    url: '/operator/v1/beings/:being/export',
    schema: {
      ...ofBeing,
      summary: 'All that a being is and wrote, as JSON lines',
      response: { 200: z.unknown().describe('application/x-ndjson'), ...problems },
    },
    handler: async (request, reply) => {
      const { being } = request.params
      await actions.carryOut(request, { action: 'export', target: being, ...request.body }, async () => {
        if ((await database.use((sql) => placeOfBeing(sql, being))) === undefined)
          throw new ProblemError('not-found', `no being ${being}`)
        return {}
      })
      return reply
        .header('content-type', 'application/x-ndjson; charset=utf-8')
        .send(Readable.from(exportPerson(database, being)))
    },
  })

  app.route({
    ...post,
    url: '/operator/v1/beings/:being/sessions',
    schema: {
      ...ofBeing,
      summary: 'A session of a being, for somebody who lost theirs',
      response: { 200: issuedSchema, ...problems },
    },
    handler: (request) => {
      const { being } = request.params
      return actions.carryOut(request, { action: 'issue-session', target: being, ...request.body }, async () => {
        const place = await database.use((sql) => placeOfBeing(sql, being))
        if (place === undefined || place.isRemoved) throw new ProblemError('not-found', `no being ${being}`)
        const granted = await database.use((sql) => grants.begin(sql, being))
        return granted()
      })
    },
  })

  app.route({
    ...post,
    url: '/operator/v1/beings/:being/sessions/:session/end',
    schema: {
      summary: 'End a session of a being: its tokens are refused everywhere from now on',
      security,
      params: operatorSessionParamsSchema,
      body: operatorBodySchema,
      response: { 200: actedSchema, ...problems },
    },
    handler: (request) => {
      const { being, session } = request.params
      const wanted = { action: 'end-session', target: `${session} of ${being}`, ...request.body }
      return actions.carryOut(request, wanted, async () => {
        const ended = await database.use((sql) => endSession(sql, being, session))
        if (ended === undefined) throw new ProblemError('not-found', `no session ${session} of ${being}`)
        grants.ended([ended])
        return {}
      })
    },
  })
}
