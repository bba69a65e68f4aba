/**
 * uWebSockets.js around a gateway, on the port for clients: `/v1/sync`, `/v1/sync/sse` and `/healthz`. Each callback
 * stands behind the wall, since an exception in one ends the process.
 */
import type { Clock } from '@rhizom/machine'
import { CLOSE } from '@rhizom/protocol'
import uws, { type HttpRequest, type HttpResponse, type us_socket_context_t, type WebSocket } from 'uWebSockets.js'
import type { Gateway } from '../gateway.ts'
import type { Wall } from '../wall.ts'
import { answer, nothingHere, UP } from './answers.ts'
import { type SocketData, UwsClientSocket } from './client-socket.ts'
import { listenOn, type Server } from './listen-on.ts'
import { serveStreams } from './stream-route.ts'
import { readUpgradeRequest } from './upgrade-request.ts'

export interface ServerSettings {
  host: string
  port: number
  /** A message above this is cut off by uWS without a close frame, so it is well above the limit of a frame. */
  maxMessageBytes: number
  /** Never reached while the send budget works: beyond it uWS drops. */
  maxBackpressureBytes: number
  /** Silence, unanswered pings included, after which a peer counts as dead. */
  idleTimeoutSeconds: number
  /** How often the client of a stream is asked to come back. */
  maxStreamAgeMs: number
  clock: Clock
}

/** Rejects if the port cannot be had. */
export function listen(gateway: Gateway, wall: Wall, settings: ServerSettings): Promise<Server> {
  const { host, port } = settings
  const app = uws.App()
  const socketWall = (ws: WebSocket<SocketData>, run: () => void): void =>
    wall.around('socket', run, () => ws.end(CLOSE.notUnderstood.code, CLOSE.notUnderstood.reason))
  const requestWall = (res: HttpResponse, run: () => void): void => wall.around('request', run, () => res.close())
  app.ws<SocketData>('/v1/sync', {
    maxPayloadLength: settings.maxMessageBytes,
    maxBackpressure: settings.maxBackpressureBytes,
    closeOnBackpressureLimit: false,
    idleTimeout: settings.idleTimeoutSeconds,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => requestWall(res, () => upgrade(gateway, res, req, context)),
    open: (ws) => socketWall(ws, () => opened(gateway, ws)),
    message: (ws, message, isBinary) =>
      socketWall(ws, () => {
        const { client } = ws.getUserData()
        if (isBinary) client?.handlers.binaryReceived()
        else client?.handlers.textReceived(text(message))
      }),
    ping: (ws) => socketWall(ws, () => ws.getUserData().client?.handlers.controlReceived()),
    pong: (ws) => socketWall(ws, () => ws.getUserData().client?.handlers.controlReceived()),
    drain: (ws) => socketWall(ws, () => ws.getUserData().client?.handlers.writable()),
    close: (ws) => {
      const { admission, client } = ws.getUserData()
      client?.gone()
      const gone = (): void => {
        if (admission.admitted) gateway.release(admission)
        client?.handlers.closed()
      }
      wall.around('socket', gone, () => undefined)
    },
  })
  const streams = {
    maxUnsentBytes: settings.maxBackpressureBytes,
    stallMs: settings.idleTimeoutSeconds * 1000,
    maxAgeMs: settings.maxStreamAgeMs,
  }
  serveStreams(app, { gateway, clock: settings.clock, settings: streams, wall: requestWall })
  app.get('/healthz', (res) => requestWall(res, () => answer(res, '200 OK', 'application/json', UP)))
  app.any('/*', (res) =>
    requestWall(res, () => nothingHere(res, 'Clients connect to /v1/sync with a WebSocket, or to /v1/sync/sse')),
  )
  return listenOn(app, { host, port }, 'PORT or HOST')
}

function upgrade(gateway: Gateway, res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
  const data: SocketData = { admission: gateway.admit(readUpgradeRequest(res, req)), client: undefined }
  res.upgrade(
    data,
    req.getHeader('sec-websocket-key'),
    req.getHeader('sec-websocket-protocol'),
    req.getHeader('sec-websocket-extensions'),
    context,
  )
}

function opened(gateway: Gateway, ws: WebSocket<SocketData>): void {
  const data = ws.getUserData()
  if (!data.admission.admitted) {
    const { code, reason } = CLOSE[data.admission.refusal]
    ws.end(code, reason)
    return
  }
  data.client = new UwsClientSocket(ws, (socket) => gateway.connect(socket))
}

const text = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString('utf8')
