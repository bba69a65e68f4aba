/**
 * Each request has an id, which stands in every line of the log that concerns it and in its answer, so that a complaint
 * leads somewhere. One that whoever is in front has given (`x-request-id`) is kept, if it is of a usual form.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { HttpApp } from './route.ts'

export const REQUEST_ID_HEADER = 'X-Request-Id'
const USUAL = /^[\w.:-]{1,128}$/

export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && USUAL.test(given) ? given : randomUUID()
}

export const tellRequestIds = (app: HttpApp): void => {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header(REQUEST_ID_HEADER, request.id)
    done()
  })
}
