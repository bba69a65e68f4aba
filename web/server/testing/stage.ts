/** Servers and sockets of the tests of this folder: each is closed by `clear`, whatever a test left open. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createPageServer, type PageServerOptions } from '../page-server.ts'
import { createSpread, type SpreadOptions } from '../spread-proxy.ts'

const servers: Server[] = []
/** Every socket that is open, of servers and of tests. */
export const sockets = new Set<Socket>()

function keep(socket: Socket): Socket {
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
  return socket
}

export async function listen(server: Server): Promise<string> {
  servers.push(server)
  server.on('connection', keep)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export function clear(): void {
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
}

/** An address where nobody listens. */
export async function nowhere(): Promise<string> {
  const server = createServer()
  const url = await listen(server)
  server.close()
  await once(server, 'close')
  return url
}

/** An api that says what it was asked, and keeps what came. */
export async function anApi(answer?: RequestListener) {
  const seen: { request: IncomingMessage; body: string }[] = []
  const server = createServer((request, response) => {
    request.setEncoding('utf8')
    let body = ''
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      seen.push({ request, body })
      if (answer !== undefined) answer(request, response)
      else response.writeHead(201, { 'X-Api': 'alive' }).end(`${request.method} ${request.url} ${body}`)
    })
  })
  return { url: await listen(server), seen, server }
}

/** A gateway that upgrades, says its name, then echoes. */
export async function aGateway(name: string) {
  const seen: IncomingMessage[] = []
  const upgraded: Socket[] = []
  const server = createServer()
  server.on('upgrade', (incoming, socket) => {
    seen.push(incoming)
    upgraded.push(socket as Socket)
    socket.on('error', () => socket.destroy())
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    socket.on('end', () => socket.end())
    socket.write(`${name};`)
    socket.on('data', (chunk) => socket.write(chunk))
  })
  return { url: await listen(server), seen, upgraded, server }
}

export interface PageStage {
  url: string
  faults: unknown[]
}

/** The page server over nodes; its page is a word, unless a test brings another. */
export async function aPage(
  nodes: Partial<SpreadOptions>,
  options: Partial<PageServerOptions> = {},
): Promise<PageStage> {
  const faults: unknown[] = []
  const server = createPageServer({
    spread: createSpread({ apiUrls: [], gatewayUrls: [], maxBodyBytes: 1_000, ...nodes }),
    sendPage: async (_target, _request, response) => void response.end('the page'),
    onFault: (error) => faults.push(error),
    ...options,
  })
  return { url: await listen(server), faults }
}

export interface RawConnection {
  socket: Socket
  text(): string
  /** Resolves with all that came when the other end has closed. */
  closed: Promise<string>
}

/** Sends bytes as they are, and collects what comes. */
export function sendRaw(url: string, ...parts: (string | Buffer)[]): RawConnection {
  const { port } = new URL(url)
  const socket = keep(connect(Number(port), '127.0.0.1'))
  socket.on('error', () => socket.destroy())
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  for (const part of parts) socket.write(part)
  const closed = once(socket, 'close').then(() => text)
  return { socket, text: () => text, closed }
}

/** A request in text, with a host and its connection closed after the answer. */
export const head = (line: string, ...headers: string[]): string =>
  `${[`${line} HTTP/1.1`, 'Host: page.example', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`

export const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1])
