/**
 * What becomes of a body between its first byte and its schema: it is received within the bound of its route, the request
 * takes its place, then it is parsed.
 */
import type { FastifyRequest } from 'fastify'
import { receiveBody } from './receive-body.ts'
import type { App } from './route.ts'
import type { Services } from './services.ts'

export function acceptJsonBodies(app: App, { config, underWay }: Services): void {
  // Fastify's own, which refuses keys that would reach a prototype.
  const parse = app.getDefaultJsonParser('error', 'error')

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', async (request: FastifyRequest, raw: FastifyRequest['raw']) => {
    const hold = (bytes: number): void => underWay.holdBytes(request, bytes)
    const { text } = await receiveBody(raw, request.routeOptions.bodyLimit ?? config.MAX_BODY_BYTES, hold)
    underWay.takePlace(request)
    return new Promise((resolve, reject) => {
      void parse(request, text, (error, body) => (error === null ? resolve(body) : reject(error)))
    })
  })
}
