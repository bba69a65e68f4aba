/**
 * The port for whoever runs a gateway: `/healthz`, `/readyz` and `/metrics`. It answers until the gateway ends, also
 * while clients are told to go.
 */
import uws, { type HttpResponse } from 'uWebSockets.js'
import type { Gateway } from '../gateway.ts'
import type { Wall } from '../wall.ts'
import { answer, later, nothingHere, readiness, type HttpAnswer, UP } from './answers.ts'
import { listenOn, type Server } from './listen-on.ts'

export interface Health {
  /** The parts that answer, by name. */
  ready(): Promise<Readonly<Record<string, boolean>>>
}

/** Rejects if the port cannot be had; `variables` name the settings that say which. */
export function listenInternally(
  gateway: Gateway,
  health: Health,
  wall: Wall,
  address: { host: string; port: number },
  variables: string,
): Promise<Server> {
  const app = uws.App()
  const requestWall = (res: HttpResponse, run: () => void): void => wall.around('request', run, () => res.close())
  const reply = (res: HttpResponse, pending: Promise<HttpAnswer>): void =>
    later(res, pending, (error) => wall.report('request', error))
  app.get('/healthz', (res) => requestWall(res, () => answer(res, '200 OK', 'application/json', UP)))
  app.get('/readyz', (res, req) =>
    requestWall(res, () => {
      const excluded = (req.getQuery('exclude') ?? '').split(',')
      reply(
        res,
        health.ready().then((parts) => readiness(parts, excluded)),
      )
    }),
  )
  app.get('/metrics', (res) =>
    requestWall(res, () => {
      const { registry } = gateway.metrics
      reply(
        res,
        registry.metrics().then((body) => ({ status: '200 OK', type: registry.contentType, body })),
      )
    }),
  )
  app.any('/*', (res) => requestWall(res, () => nothingHere(res, 'Here are /healthz, /readyz and /metrics')))
  return listenOn(app, address, variables)
}
