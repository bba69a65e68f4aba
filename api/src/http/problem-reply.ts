/** Every error leaves as a problem document. What is thrown where decides the code; here is the one table. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEMS, type Problem, type ProblemCode, problemOf } from '@rhizom/protocol'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { DatabaseAway, failureOf, OutcomeUnknown } from '../db/failure.ts'
import type { ProcessLog } from '@rhizom/process'
import { networkOf } from '@rhizom/process'
import type { BodyDiscards } from './discard-body.ts'
import type { OpenConnections } from './open-connections.ts'

/** Thrown by handlers to answer with a problem. */
export class ProblemError extends Error {
  override name = 'ProblemError'
  readonly problem: Problem

  constructor(code: ProblemCode, detail: string, extra: { path?: string; retryAfterMs?: number } = {}) {
    super(detail)
    this.problem = problemOf(code, detail, extra)
  }
}

/** For a path that no route has. */
export const nothingAt = (request: FastifyRequest): ProblemError =>
  new ProblemError('not-found', `nothing is at ${request.url.split('?', 1)[0]}`)

const RETRY_AFTER_MS = 1000

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.retryAfterMs !== undefined) reply.header('retry-after', `${Math.ceil(problem.retryAfterMs / 1000)}`)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  return (
    reply
      .code(problem.status)
      .header('content-type', 'application/problem+json; charset=utf-8')
      // Said here too: what Fastify refuses before it knows a route passes no hook.
      .header('cache-control', 'no-store')
      .send(JSON.stringify(problem))
  )
}

/**
 * The error handler of the app: whatever was thrown, by us or by anybody, becomes an answer. Only our own faults are
 * logged as errors, each in one line.
 */
export const problemReplies =
  (discards: BodyDiscards) =>
  async (thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const problem = problemFor(thrown)
    const being = request.session?.being
    if (problem.code === 'internal') request.log.error({ err: thrown, being }, 'internal error')
    // That Postgres is away is said by its condition, once a minute and not once a request.
    else if (isAway(thrown)) request.log.debug({ ...whatOf(thrown), being }, problem.title)
    else if (problem.status >= 500) request.log.warn({ ...whatOf(thrown), being }, problem.title)
    await discards.discard(request.raw, networkOf(request.ip))
    // Whoever was read to the end may go on; the rest of a body must not be taken for the next request.
    if (request.raw.complete) reply.removeHeader('connection')
    else reply.header('connection', 'close')
    return sendProblem(reply, problem)
  }

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
const whatOf = (thrown: unknown): { err: string; cause?: string } => ({
  err: messageOf(thrown),
  ...(thrown instanceof Error && thrown.cause !== undefined ? { cause: messageOf(thrown.cause) } : {}),
})

const isAway = (error: unknown): boolean => error instanceof DatabaseAway || failureOf(error) === 'away'

export function problemFor(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  if (error instanceof OutcomeUnknown)
    return problemOf('outcome-unknown', 'the connection to the database was lost while committing', {
      retryAfterMs: RETRY_AFTER_MS,
    })
  if (isAway(error)) return problemOf('unavailable', 'the database does not answer', { retryAfterMs: RETRY_AFTER_MS })
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
function problemOfFramework(error: unknown): Problem {
  if (!isRefusal(error)) return problemOf('internal', 'something went wrong here')
  if (error.statusCode === 404) return problemOf('not-found', 'no such resource')
  const code = FRAMEWORK_CODES.find((candidate) => PROBLEMS[candidate].status === error.statusCode) ?? 'malformed'
  return problemOf(code, error.message)
}

/** Others throw errors with a status too, about their own peers: those are our faults here. */
const isRefusal = (error: unknown): error is FastifyError =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  error.code.startsWith('FST_') &&
  'statusCode' in error &&
  typeof error.statusCode === 'number' &&
  error.statusCode >= 400 &&
  error.statusCode < 500

const FRAMEWORK_CODES = ['too-large', 'unsupported-media-type', 'method-not-allowed'] as const

/**
 * For what no route, hook or reply ever sees: bytes that are no HTTP request, and requests that do not arrive in time.
 * The connection ends with it, also if its peer stays.
 */
export const brokenRequests =
  (connections: OpenConnections, log: ProcessLog) =>
  (error: Error, socket: Socket): void => {
    try {
      // An answer that has begun must not get another one in its middle.
      if (socket.writable && !connections.isAnswering(socket)) sayWhy(error, socket)
    } catch (fault) {
      log.error({ err: fault }, 'a broken request could not be answered')
    }
    socket.destroySoon()
  }

function sayWhy(error: Error, socket: Socket): void {
  const isLate = 'code' in error && error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const problem = isLate ? problemOf('timeout', 'the request took too long') : problemOf('malformed', 'not HTTP')
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\nConnection: close\r\n` +
      `Cache-Control: no-store\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
