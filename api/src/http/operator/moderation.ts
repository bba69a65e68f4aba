/** What operators do in spaces: as an owner would, whoever owns them. */
import {
  actedSchema,
  type BeingId,
  operatorBeingBodySchema,
  operatorBodySchema,
  operatorIntentionParamsSchema,
  operatorInviteParamsSchema,
  operatorSpaceParamsSchema,
  prunedSchema,
  type SpaceId,
} from '@rhizom/protocol'
import { placeOfInvite } from '../../db/read/invites.ts'
import { placeOfIntention } from '../../db/read/operator-finds.ts'
import { revokeInvite } from '../../db/write/invites.ts'
import { ProblemError } from '../problem-reply.ts'
import { type HttpApp, problems } from '../route.ts'
import type { Services } from '../services.ts'
import { type Asked, OperatorActions } from './actions.ts'
import { BODY_BYTES, type OfOperators } from './of-operators.ts'

interface InSpace {
  word: string
  summary: string
  mutation: (being: BeingId) => Asked
}

const IN_SPACE: readonly InSpace[] = [
  {
    word: 'ban',
    summary: 'Ban somebody from a space: out of it, and reading nothing of it any more',
    mutation: (being) => ({ name: 'member.put', args: { being, role: 'banned' } }),
  },
  {
    word: 'unban',
    summary: 'Take a ban, or another role, away',
    mutation: (being) => ({ name: 'member.remove', args: { being } }),
  },
  {
    word: 'expel',
    summary: 'Put somebody out of a space, to be located nowhere',
    mutation: (being) => ({ name: 'being.expel', args: { id: being } }),
  },
  {
    word: 'owner',
    summary: 'Make somebody an owner of a space',
    mutation: (being) => ({ name: 'member.put', args: { being, role: 'owner' } }),
  },
]

export function registerModeration(app: HttpApp, services: Services, { onRequest, security }: OfOperators): void {
  const actions = new OperatorActions(services)
  const post = { method: 'POST', onRequest, bodyLimit: BODY_BYTES } as const
  const response = { 200: actedSchema, ...problems }

  for (const { word, summary, mutation } of IN_SPACE)
    app.route({
      ...post,
      url: `/operator/v1/spaces/:space/${word}`,
      schema: { summary, security, params: operatorSpaceParamsSchema, body: operatorBeingBodySchema, response },
      handler: (request) => {
        const { being, reason } = request.body
        const { space } = request.params
        return actions.carryOut(request, { action: word, target: `${being} in ${space}`, reason }, async () => {
          await actions.mutate(space, mutation(being))
          return {}
        })
      },
    })

  app.route({
    ...post,
    url: '/operator/v1/spaces/:space/remove',
    schema: {
      summary: 'Remove a space with all that is in it',
      security,
      params: operatorSpaceParamsSchema,
      body: operatorBodySchema,
      response,
    },
    handler: (request) => {
      const { space } = request.params
      return actions.carryOut(request, { action: 'remove-space', target: space, ...request.body }, async () => {
        await actions.mutate(space, { name: 'space.remove', args: {} })
        return {}
      })
    },
  })

  app.route({
    ...post,
    url: '/operator/v1/intentions/:intention/redact',
    schema: {
      summary: 'Take the words of an intention away, from the log and from screens as well',
      security,
      params: operatorIntentionParamsSchema,
      body: operatorBodySchema,
      response,
    },
    handler: (request) => {
      const { intention: id } = request.params
      return actions.carryOut(request, { action: 'redact', target: id, ...request.body }, async () => {
        const space: SpaceId | undefined = await services.database.use((sql) => placeOfIntention(sql, id))
        if (space === undefined) throw new ProblemError('not-found', `no intention ${id}`)
        await actions.mutate(space, { name: 'intention.remove', args: { id } })
        return {}
      })
    },
  })

  app.route({
    ...post,
    url: '/operator/v1/invites/:invite/revoke',
    schema: {
      summary: 'Revoke an invite, whoever made it',
      security,
      params: operatorInviteParamsSchema,
      body: operatorBodySchema,
      response,
    },
    handler: (request) => {
      const { invite } = request.params
      return actions.carryOut(request, { action: 'revoke-invite', target: invite, ...request.body }, async () => {
        const wasThere = await services.database.use(async (sql) => {
          const space = await placeOfInvite(sql, invite)
          if (space === undefined) return false
          await sql`begin`
          const revoked = await revokeInvite(sql, space, invite)
          await sql`commit`
          return revoked
        })
        if (!wasThere) throw new ProblemError('not-found', `no invite ${invite}`)
        return {}
      })
    },
  })

  app.route({
    ...post,
    url: '/operator/v1/prune',
    schema: {
      summary: 'Take what is old from log, ledger and sessions now',
      security,
      body: operatorBodySchema,
      response: { 200: prunedSchema, ...problems },
    },
    handler: (request) =>
      actions.carryOut(request, { action: 'prune', target: 'log, ledger and sessions', ...request.body }, async () => {
        await services.prune()
        return {}
      }),
  })
}
