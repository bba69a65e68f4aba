/** Every error leaves as a problem document. What is thrown where decides the code; here is the one table. */
import type { Socket } from 'node:net'
import { PROBLEMS, type Problem, type ProblemCode, problemOf } from '@rhizom/protocol'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { DatabaseAway, failureOf, OutcomeUnknown } from '../db/failure.ts'
import { discardBody } from './discard-body.ts'

/** Thrown by handlers to answer with a problem. */
export class ProblemError extends Error {
  override name = 'ProblemError'
  readonly problem: Problem

  constructor(code: ProblemCode, detail: string, extra: { path?: string; retryAfterMs?: number } = {}) {
    super(detail)
    this.problem = problemOf(code, detail, extra)
  }
}

const RETRY_AFTER_MS = 1000

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.retryAfterMs !== undefined) reply.header('retry-after', `${Math.ceil(problem.retryAfterMs / 1000)}`)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem))
}

/** The error handler of the app. Only our own faults are logged as errors. */
export async function replyWithProblem(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const problem = problemFor(error)
  if (problem.code === 'too-large') await discardBody(request.raw)
  if (problem.code === 'internal') request.log.error({ err: error }, 'internal error')
  else if (problem.status >= 500) request.log.warn({ err: error.message, cause: causeOf(error) }, problem.title)
  return sendProblem(reply, problem)
}

const causeOf = (error: Error): string | undefined => (error.cause instanceof Error ? error.cause.message : undefined)

export function problemFor(error: FastifyError | Error): Problem {
  if (error instanceof ProblemError) return error.problem
  if (error instanceof OutcomeUnknown)
    return problemOf('outcome-unknown', 'the connection to the database was lost while committing', {
      retryAfterMs: RETRY_AFTER_MS,
    })
  if (error instanceof DatabaseAway || failureOf(error) === 'away')
    return problemOf('unavailable', 'the database does not answer', { retryAfterMs: RETRY_AFTER_MS })
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [fault] = error.validation
    const path = fault?.instancePath
      .split('/')
      .filter((part) => part !== '')
      .join('.')
    const detail = fault?.message ?? 'not understood'
    return problemOf('malformed', detail, path === undefined || path === '' ? {} : { path })
  }
  return problemOfFramework(error)
}

/** Fastify's own refusals: before a route's schema was reached. */
function problemOfFramework(error: FastifyError | Error): Problem {
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (status === undefined || status < 400 || status >= 500) return problemOf('internal', 'something went wrong here')
  if (status === 404) return problemOf('not-found', 'no such resource')
  const code = FRAMEWORK_CODES.find((candidate) => PROBLEMS[candidate].status === status) ?? 'malformed'
  return problemOf(code, error.message)
}

const FRAMEWORK_CODES = ['too-large', 'unsupported-media-type', 'method-not-allowed'] as const

/** For bytes that are no HTTP request at all, which no route, hook or reply ever sees. */
export function answerBrokenRequest(_error: Error, socket: Socket): void {
  if (!socket.writable) return
  const body = JSON.stringify(problemOf('malformed', 'not an HTTP request'))
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
