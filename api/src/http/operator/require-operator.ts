/** Who operates: one of those whom OPERATOR_TOKENS names, known by a token. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Operator } from '../../config.ts'
import { bearerOf } from '../authenticate.ts'
import { ProblemError } from '../problem-reply.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The name of an operator who asks. */
    operator: string | null
  }
}

/** A hook that lets only operators through. Digests of all are compared, so that time tells nothing. */
export function requireOperator(operators: readonly Operator[]) {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = operators.map(({ name, token }) => ({ name, digest: digest(token) }))
  return async (request: FastifyRequest) => {
    const given = digest(bearerOf(request) ?? '')
    const [known] = expected.filter((one) => timingSafeEqual(one.digest, given))
    if (known === undefined) throw new ProblemError('not-authenticated', 'the token of an operator is needed')
    request.operator = known.name
  }
}

export function operatorOf(request: FastifyRequest): string {
  if (request.operator === null) throw new Error('a route without requireOperator asked for the operator')
  return request.operator
}
