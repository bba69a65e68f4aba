/** What all routes share: the typed app, the documented answers, and hooks in the order they must run. */
import { problemSchema } from '@rhizom/protocol'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'

export type HttpApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** For the OpenAPI document: every route may answer with a problem. */
export const problems = {
  default: {
    description: 'A problem document',
    content: { 'application/problem+json': { schema: problemSchema } },
  },
}
