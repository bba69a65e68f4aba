/**
 * The route of server-sent events: who asks is shown by the header, as over HTTP everywhere, and what is followed by
 * the address. From there on it is a connection like any other.
 */
import type { Clock } from '@rhizom/machine'
import { CLOSE, problemOf } from '@rhizom/protocol'
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js'
import { helloLine, problemOfClose, readStreamQuery } from '../core/connection/event-stream.ts'
import type { Admission, Gateway } from '../gateway.ts'
import type { ClientHandlers } from '../ports.ts'
import { answerProblem, EventStreamSocket, type StreamSettings } from './event-stream.ts'
import { readUpgradeRequest } from './upgrade-request.ts'

export interface StreamRoute {
  gateway: Gateway
  clock: Clock
  settings: StreamSettings
  wall(res: HttpResponse, run: () => void): void
}

const PATH = '/v1/sync/sse'
/** Browsers ask again whether they may only after so long. */
const PREFLIGHT_SECONDS = '600'

export function serveStreams(app: TemplatedApp, route: StreamRoute): void {
  const { gateway, wall } = route
  app.get(PATH, (res, req) => wall(res, () => open(route, res, req)))
  app.options(PATH, (res, req) =>
    wall(res, () => {
      const request = readUpgradeRequest(res, req)
      res.writeStatus('204 No Content')
      if (gateway.isOriginAllowed(request))
        for (const [name, value] of crossOrigin(request.origin)) res.writeHeader(name, value)
      res
        .writeHeader('access-control-allow-methods', 'GET')
        .writeHeader('access-control-allow-headers', 'authorization, last-event-id')
        .writeHeader('access-control-max-age', PREFLIGHT_SECONDS)
        .end()
    }),
  )
}

const crossOrigin = (origin: string): [string, string][] =>
  origin === ''
    ? []
    : [
        ['access-control-allow-origin', origin],
        ['vary', 'origin'],
        ['access-control-expose-headers', 'retry-after, date'],
      ]

function open({ gateway, clock, settings, wall }: StreamRoute, res: HttpResponse, req: HttpRequest): void {
  const request = readUpgradeRequest(res, req)
  const [, token] = /^Bearer (\S+)$/i.exec(req.getHeader('authorization')) ?? []
  const asked = readStreamQuery(req.getQuery(), req.getHeader('last-event-id'))
  const admission: Admission = gateway.admit(request)
  if (!admission.admitted) {
    const { code, reason } = CLOSE[admission.refusal]
    answerProblem(res, problemOf(problemOfClose(code), reason), [])
    return
  }
  const headers = crossOrigin(request.origin)
  if (token === undefined || !asked.ok) {
    gateway.release(admission)
    const problem =
      token === undefined
        ? problemOf('not-authenticated', 'Authorization: Bearer and a session token are needed')
        : problemOf('malformed', asked.ok ? '' : asked.problem)
    answerProblem(res, problem, headers)
    return
  }
  const socket = new EventStreamSocket(res, {
    clock,
    settings,
    headers,
    guarded: (run) => wall(res, run),
    writable: () => handlers.writable(),
    ended: () => {
      gateway.release(admission)
      handlers.closed()
    },
  })
  const handlers: ClientHandlers = gateway.connect(socket)
  handlers.textReceived([helloLine(token), ...asked.lines].join('\n'))
}
