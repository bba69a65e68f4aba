/** The public keys of session tokens, for gateways and for whoever else wants to know who somebody is. */
import { publicJwkSchema } from '@rhizom/process'
import { z } from 'zod'
import { type HttpApp, problems } from './route.ts'
import type { Services } from './services.ts'

/** A new key is known everywhere before it signs, so that nobody has to hurry. */
const MAX_AGE_SECONDS = 300

const keySetSchema = z.object({
  keys: z.array(publicJwkSchema.extend({ kid: z.string(), alg: z.literal('EdDSA'), use: z.literal('sig') })),
})

export function registerKeys(app: HttpApp, { keys }: Pick<Services, 'keys'>): void {
  app.route({
    method: 'GET',
    url: '/.well-known/jwks.json',
    schema: {
      summary: 'The public keys that session tokens are signed with (RFC 7517)',
      response: { 200: keySetSchema, ...problems },
    },
    handler: async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${MAX_AGE_SECONDS}`)
      return keys
    },
  })
}
