/**
 * uWebSockets.js around a gateway: `/v1/sync` and `/v1/sync/sse` for clients, `/healthz`, `/readyz` and `/metrics` for
 * who runs it. Each callback stands behind the wall, since an exception in one ends the process.
 */
import type { Clock } from '@rhizom/machine'
import { cannotListen } from '@rhizom/process'
import { CLOSE, problemOf } from '@rhizom/protocol'
import uws, { type HttpRequest, type HttpResponse, type us_socket_context_t, type WebSocket } from 'uWebSockets.js'
import type { Gateway } from '../gateway.ts'
import type { Wall } from '../wall.ts'
import { type SocketData, UwsClientSocket } from './client-socket.ts'
import { serveStreams } from './stream-route.ts'
import { readUpgradeRequest } from './upgrade-request.ts'

declare module 'uWebSockets.js' {
  interface TemplatedApp {
    /** Missing in the published types. Without the exclusive option a port in use would be shared in silence. */
    listen(
      host: string,
      port: number,
      options: number,
      listening: (socket: us_listen_socket | false) => void,
    ): TemplatedApp
  }
}

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

export interface Health {
  /** The parts that answer, by name. */
  ready(): Promise<Readonly<Record<string, boolean>>>
}

export interface Server {
  url: string
  port: number
  stopAccepting(): void
  close(): void
}

const LIBUS_LISTEN_EXCLUSIVE_PORT = 1

/** Rejects if the port cannot be had. */
export function listen(gateway: Gateway, health: Health, wall: Wall, settings: ServerSettings): Promise<Server> {
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
    drain: (ws) => socketWall(ws, () => ws.getUserData().client?.handlers.drained()),
    close: (ws) => {
      const { admission, client } = ws.getUserData()
      client?.socket.gone()
      const gone = (): void => {
        if (admission.admitted) gateway.release(admission.address)
        client?.handlers.closed()
      }
      wall.around('socket', gone, () => undefined)
    },
  })
  const reply = (res: HttpResponse, pending: Promise<Reply>): void =>
    later(res, pending, (error) => wall.report('request', error))
  const streams = {
    maxUnsentBytes: settings.maxBackpressureBytes,
    stallMs: settings.idleTimeoutSeconds * 1000,
    maxAgeMs: settings.maxStreamAgeMs,
  }
  serveStreams(app, { gateway, clock: settings.clock, settings: streams, wall: requestWall })
  app.get('/healthz', (res) => requestWall(res, () => answer(res, '200 OK', 'application/json', '{"status":"up"}')))
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
  app.any('/*', (res) =>
    requestWall(res, () => {
      const problem = problemOf('not-found', 'Clients connect to /v1/sync with a WebSocket, or to /v1/sync/sse')
      answer(res, '404 Not Found', 'application/problem+json', JSON.stringify(problem))
    }),
  )
  return new Promise((resolve, reject) => {
    app.listen(host, port, LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
      if (socket === false) {
        reject(cannotListen(host, port))
        return
      }
      let isAccepting = true
      const bound = uws.us_socket_local_port(socket)
      resolve({
        port: bound,
        url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
        stopAccepting: () => {
          if (isAccepting) uws.us_listen_socket_close(socket)
          isAccepting = false
        },
        close: () => {
          isAccepting = false
          app.close()
        },
      })
    })
  })
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
  const socket = new UwsClientSocket(ws)
  data.client = { socket, handlers: gateway.connect(socket) }
}

const text = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString('utf8')

interface Reply {
  status: string
  type: string
  body: string
}

/** Without Redis a gateway still serves, a second later: who decides about traffic asks `/readyz?exclude=redis`. */
function readiness(parts: Readonly<Record<string, boolean>>, excluded: readonly string[]): Reply {
  const isReady = Object.entries(parts).every(([name, answers]) => answers || excluded.includes(name))
  const status = isReady ? '200 OK' : '503 Service Unavailable'
  return { status, type: 'application/json', body: JSON.stringify({ status: isReady ? 'ready' : 'not-ready', parts }) }
}

function answer(res: HttpResponse, status: string, type: string, body: string): void {
  res.writeStatus(status).writeHeader('content-type', type).end(body)
}

/** Answers when the reply is there, unless the asker is gone by then. */
function later(res: HttpResponse, reply: Promise<Reply>, failed: (error: unknown) => void): void {
  let isGone = false
  res.onAborted(() => {
    isGone = true
  })
  const end = ({ status, type, body }: Reply): void => {
    if (!isGone) res.cork(() => answer(res, status, type, body))
  }
  reply.then(end).catch((error: unknown) => {
    failed(error)
    const body = JSON.stringify(problemOf('internal', 'something went wrong here'))
    end({ status: '500 Internal Server Error', type: 'application/problem+json', body })
  })
}
