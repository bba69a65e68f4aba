/**
 * What becomes of a body between its first byte and its schema, each step before the one that costs more: it is
 * received within the bound of its route; the request takes its place; its bytes are taken from the account of its
 * actor, or of its address while nobody is known; its brackets and keys are counted on the text; then it is parsed.
 */
import { MAX_TEXT_DEPTH, nestsDeeperThan } from '@rhizom/protocol'
import type { FastifyRequest } from 'fastify'
import { networkOf } from '@rhizom/process'
import { take } from './afford.ts'
import { hasMorePartsThan } from './json-parts.ts'
import { letOthersRun } from './large-body.ts'
import { ProblemError } from './problem-reply.ts'
import { receiveBody } from './receive-body.ts'
import type { HttpApp } from './route.ts'
import type { Services } from './services.ts'
import { isOfGateway } from './under-way.ts'

/** For routes that want no body: some senders of JSON put an empty object into each request. */
export const NO_BODY_BYTES = 16

export function acceptJsonBodies(app: HttpApp, { accounts, config, underWay }: Services): void {
  // Fastify's own, which refuses keys that would reach a prototype.
  const parse = app.getDefaultJsonParser('error', 'error')

  const takeBytes = async (request: FastifyRequest, bytes: number): Promise<void> => {
    if (isOfGateway(request)) return
    await take(accounts, [
      { budget: 'body-bytes', account: request.session?.being ?? networkOf(request.ip), cost: bytes },
    ])
  }

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', async (request: FastifyRequest, raw: FastifyRequest['raw']) => {
    const hold = (bytes: number): void => underWay.holdBytes(request, bytes)
    const { text, bytes } = await receiveBody(raw, request.routeOptions.bodyLimit ?? NO_BODY_BYTES, hold)
    underWay.takePlace(request)
    await takeBytes(request, bytes)
    await letOthersRun(bytes)
    if (nestsDeeperThan(text, MAX_TEXT_DEPTH))
      throw new ProblemError('malformed', `nests deeper than ${MAX_TEXT_DEPTH}`)
    await letOthersRun(bytes)
    if (hasMorePartsThan(text, config.MAX_BODY_PARTS))
      throw new ProblemError('too-large', `more than ${config.MAX_BODY_PARTS} objects, arrays and keys`)
    await letOthersRun(bytes)
    return new Promise((resolve, reject) => {
      void parse(request, text, (error, body) => (error === null ? resolve(body) : reject(error)))
    })
  })
}
