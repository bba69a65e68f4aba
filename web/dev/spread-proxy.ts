/**
 * The development server's way to the backend: what a load balancer does in production. HTTP below `/v1` goes to the
 * first api that accepts it; sockets on `/v1/sync` are spread round-robin over the gateways, and `/v1/sync/sse` with
 * them. A node that refuses is passed over for the next; when all do, the browser learns it at once (502).
 *
 * Bytes are forwarded as they are, with the Host header kept (the gateway compares it with Origin) and the address of
 * the browser added. When either end goes, both go.
 */
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Plugin, PreviewServer } from 'vite'

export interface SpreadProxyOptions {
  apiUrls: readonly string[]
  gatewayUrls: readonly string[]
}

const CONNECT_TIMEOUT_MS = 3_000
const HALF_CLOSED_MS = 500

const pathOf = (message: IncomingMessage): string => (message.url ?? '/').split('?')[0] ?? '/'
const isSync = (path: string): boolean => path === '/v1/sync' || path.startsWith('/v1/sync/')

export function createSpread({ apiUrls, gatewayUrls }: SpreadProxyOptions) {
  let turn = 0

  /** The nodes in the order to try them. */
  function order(path: string): readonly string[] {
    if (!isSync(path)) return apiUrls
    const first = turn++ % Math.max(1, gatewayUrls.length)
    return [...gatewayUrls.slice(first), ...gatewayUrls.slice(0, first)]
  }

  /** Opens a request to a node; fails after a short while if the node does not even take the connection. */
  function open(base: string, incoming: IncomingMessage): ClientRequest {
    const address = incoming.socket.remoteAddress ?? ''
    const before = incoming.headers['x-forwarded-for']
    const forwardedFor = [...(before === undefined ? [] : [before].flat()), address].join(', ')
    const outgoing = request(new URL(incoming.url ?? '/', base), {
      method: incoming.method ?? 'GET',
      headers: { ...incoming.headers, 'x-forwarded-for': forwardedFor },
      agent: false,
    })
    const timer = setTimeout(
      () => outgoing.destroy(new Error('the node did not take the connection')),
      CONNECT_TIMEOUT_MS,
    )
    outgoing.once('socket', (socket) => socket.once('connect', () => clearTimeout(timer)))
    outgoing.once('close', () => clearTimeout(timer))
    return outgoing
  }

  function forwardRequest(
    incoming: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    bases: readonly string[],
  ): void {
    const [base, ...others] = bases
    if (base === undefined) {
      response.writeHead(502, { 'content-type': 'application/problem+json' })
      response.end(
        JSON.stringify({ title: 'Bad gateway', status: 502, code: 'unavailable', detail: 'No node answers.' }),
      )
      return
    }
    const outgoing = open(base, incoming)
    const abort = () => outgoing.destroy()
    response.once('close', abort)
    outgoing.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
      answer.once('error', () => response.destroy())
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      response.off('close', abort)
      if (response.headersSent || response.destroyed) response.destroy()
      // Only a node that never took the connection is passed over: another may already have acted on the request.
      else forwardRequest(incoming, response, body, neverArrived(error) ? others : [])
    })
    outgoing.end(body)
  }

  function forwardUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, bases: readonly string[]): void {
    const [base, ...others] = bases
    if (socket.destroyed) return
    if (base === undefined) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    const outgoing = open(base, incoming)
    const abort = () => outgoing.destroy()
    socket.once('close', abort)
    socket.once('error', abort)
    const settle = () => {
      socket.off('close', abort)
      socket.off('error', abort)
    }
    outgoing.once('upgrade', (answer, peer, peerHead) => {
      settle()
      join(socket, peer)
      socket.write(headerOf(answer))
      if (peerHead.length > 0) socket.write(peerHead)
      if (head.length > 0) peer.write(head)
      socket.pipe(peer)
      peer.pipe(socket)
    })
    outgoing.once('response', (answer) => {
      // The gateway declined to upgrade and says why.
      settle()
      socket.write(headerOf(answer))
      answer.pipe(socket)
    })
    outgoing.on('error', () => {
      settle()
      forwardUpgrade(incoming, socket, head, others)
    })
    outgoing.end()
  }

  return {
    takesRequest: (incoming: IncomingMessage): boolean => pathOf(incoming).startsWith('/v1/'),
    takesUpgrade: (incoming: IncomingMessage): boolean => isSync(pathOf(incoming)),
    async request(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
      // Held whole, so that the next node can be given the same; bodies of the api are small.
      forwardRequest(incoming, response, await buffer(incoming), order(pathOf(incoming)))
    },
    upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
      forwardUpgrade(incoming, socket, head, order(pathOf(incoming)))
    },
  }
}

const neverArrived = (error: NodeJS.ErrnoException): boolean =>
  error.code === 'ECONNREFUSED' || error.code === 'EHOSTUNREACH' || error.message.includes('did not take')

function headerOf(answer: IncomingMessage): string {
  const lines = [`HTTP/${answer.httpVersion} ${answer.statusCode} ${answer.statusMessage}`]
  for (let index = 0; index < answer.rawHeaders.length; index += 2)
    lines.push(`${answer.rawHeaders[index]}: ${answer.rawHeaders[index + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/**
 * Whichever end goes first takes the other with it. An end that only says it has finished leaves the other a moment
 * to finish as well: cutting it off could cost a close frame that is still on its way.
 */
function join(one: Duplex, other: Duplex): void {
  for (const [end, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    end.once('error', () => peer.destroy())
    end.once('close', () => peer.destroy())
    end.once('end', () => setTimeout(() => end.destroy(), HALF_CLOSED_MS))
  }
}

/** The proxy as a Vite plugin, for `vite` and `vite preview` alike. */
export function spreadProxy(options: SpreadProxyOptions): Plugin {
  const spread = createSpread(options)
  const configure = ({ middlewares, httpServer }: Pick<PreviewServer, 'middlewares' | 'httpServer'>): void => {
    middlewares.use((incoming, response, next) => {
      if (!spread.takesRequest(incoming)) return next()
      spread.request(incoming, response).catch(() => response.destroy())
    })
    httpServer.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (spread.takesUpgrade(incoming)) spread.upgrade(incoming, socket, head)
    })
  }
  return {
    name: 'rhizom-spread-proxy',
    configureServer({ middlewares, httpServer }) {
      if (httpServer !== null) configure({ middlewares, httpServer })
    },
    configurePreviewServer: configure,
  }
}
