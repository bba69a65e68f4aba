/**
 * What stands between people and a deployment: an HTTP proxy in front of one api and several gateways, as a company, a
 * hotel or a load balancer puts one there. It can be made to break WebSockets (refused, or accepted and mute), to hold
 * answers back until they are whole, and to lose everything behind it.
 */
import { type Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'

export interface FrontProxyModes {
  sockets: 'pass' | 'refuse' | 'mute'
  answers: 'pass' | 'hold'
}

export class FrontProxy {
  readonly modes: FrontProxyModes = { sockets: 'pass', answers: 'pass' }
  /** What was asked of it, as `GET /v1/sync/sse`. */
  readonly asked: string[] = []
  readonly #server: Server
  readonly #api: string
  readonly #gateways: readonly string[]
  readonly #sockets = new Set<Duplex>()
  #turn = 0

  private constructor(server: Server, api: string, gateways: readonly string[]) {
    this.#server = server
    this.#api = api
    this.#gateways = gateways
  }

  static listen(api: string, gateways: readonly string[]): Promise<FrontProxy> {
    return new Promise((resolve, reject) => {
      const server = createServer()
      const proxy = new FrontProxy(server, api, gateways)
      server.on('connection', (socket) => {
        proxy.#sockets.add(socket)
        socket.once('close', () => proxy.#sockets.delete(socket))
      })
      server.on('request', (incoming, response) => void proxy.#forward(incoming, response))
      server.on('upgrade', (incoming: IncomingMessage, socket: Socket) => proxy.#upgrade(incoming, socket))
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => resolve(proxy))
    })
  }

  get url(): string {
    const address = this.#server.address()
    if (typeof address !== 'object' || address === null) throw new Error('a proxy without a port')
    return `http://127.0.0.1:${address.port}`
  }

  /** Ends every connection that stands. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Lets everything through again. */
  heal(): void {
    Object.assign(this.modes, { sockets: 'pass', answers: 'pass' } satisfies FrontProxyModes)
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  /** The nodes for a path, in the order to try them. */
  #nodes(path: string): readonly string[] {
    if (!path.startsWith('/v1/sync')) return [this.#api]
    const first = this.#turn++ % this.#gateways.length
    return [...this.#gateways.slice(first), ...this.#gateways.slice(0, first)]
  }

  async #forward(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/'
    this.asked.push(`${incoming.method} ${path.split('?', 1)[0]}`)
    const body = await buffer(incoming)
    for (const node of this.#nodes(path)) {
      const answer = await ask(node, incoming, body, response)
      if (answer === undefined) continue
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      if (this.modes.answers === 'pass') response.flushHeaders()
      const held: Buffer[] = []
      answer.on('data', (chunk: Buffer) => (this.modes.answers === 'hold' ? held.push(chunk) : response.write(chunk)))
      answer.on('end', () => response.end(Buffer.concat(held)))
      answer.on('error', () => response.destroy())
      return
    }
    response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>')
  }

  #upgrade(incoming: IncomingMessage, socket: Socket): void {
    socket.on('error', () => undefined)
    this.asked.push(`UPGRADE ${incoming.url}`)
    if (this.modes.sockets === 'refuse') {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
      return
    }
    this.#open(incoming, socket, this.#nodes(incoming.url ?? '/'))
  }

  #open(incoming: IncomingMessage, near: Socket, [node, ...others]: readonly string[]): void {
    if (node === undefined) {
      near.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
      return
    }
    const { hostname, port } = new URL(node)
    const far = connect({ host: hostname, port: Number(port) })
    far.once('error', () => this.#open(incoming, near, others))
    far.once('connect', () => {
      far.removeAllListeners('error')
      far.on('error', () => near.destroy())
      const head = [`GET ${incoming.url} HTTP/1.1`]
      for (let i = 0; i < incoming.rawHeaders.length; i += 2)
        head.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}`)
      far.write(`${head.join('\r\n')}\r\n\r\n`)
      if (this.modes.sockets === 'mute') {
        // The handshake comes through, and nothing after it.
        far.once('data', (answer: Buffer) => near.write(answer.subarray(0, answer.indexOf('\r\n\r\n') + 4)))
        near.on('close', () => far.destroy())
        return
      }
      far.pipe(near)
      near.pipe(far)
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
    })
  }
}

/** Undefined if the node does not answer. */
function ask(
  node: string,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const agent: Agent | false = false
    const asking = request(`${node}${url}`, { method, headers, agent }, resolve)
    asking.once('error', () => resolve(undefined))
    response.once('close', () => asking.destroy())
    asking.end(body)
  })
}
