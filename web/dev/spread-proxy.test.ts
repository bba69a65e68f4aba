/** The proxy between real sockets: what it spreads, what it passes over, and that nothing of it stays behind. */
import { createServer, type IncomingMessage, type Server, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test, vi } from 'vitest'
import { createSpread } from './spread-proxy.ts'

const servers: Server[] = []
const sockets = new Set<Socket>()

async function listen(server: Server): Promise<string> {
  servers.push(server)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

/** A gateway that upgrades, says its name, then echoes. */
async function aGateway(name: string) {
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

/** An address where nobody listens. */
async function nowhere(): Promise<string> {
  const server = createServer()
  const url = await listen(server)
  server.close()
  await once(server, 'close')
  return url
}

async function aProxy(apiUrls: string[], gatewayUrls: string[]): Promise<string> {
  const spread = createSpread({ apiUrls, gatewayUrls })
  const server = createServer((incoming, response) => void spread.request(incoming, response))
  server.on('upgrade', (incoming, socket, head) => spread.upgrade(incoming, socket, head))
  return listen(server)
}

/** Opens a raw socket through the proxy, and collects what comes. */
async function upgrade(proxy: string) {
  const { port, host } = new URL(proxy)
  const socket = connect(Number(port), '127.0.0.1')
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))
  socket.on('error', () => socket.destroy())
  socket.write(
    `GET /v1/sync HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://${host}\r\n\r\n`,
  )
  await vi.waitFor(() => expect(text).toMatch(/;$|502/))
  return { socket, text: () => text }
}

const nameIn = (text: string): string => text.split('\r\n\r\n')[1]?.split(';')[0] ?? ''

test('sockets are spread over the gateways in turn', async () => {
  const [one, two] = [await aGateway('one'), await aGateway('two')]
  const proxy = await aProxy([], [one.url, two.url])
  const names: string[] = []
  for (let index = 0; index < 4; index += 1) names.push(nameIn((await upgrade(proxy)).text()))
  expect(names).toEqual(['one', 'two', 'one', 'two'])
})

test('a gateway that is gone is passed over, and when all are gone the browser learns it at once', async () => {
  const alive = await aGateway('alive')
  const proxy = await aProxy([], [await nowhere(), alive.url])
  expect(nameIn((await upgrade(proxy)).text())).toBe('alive')
  expect(nameIn((await upgrade(proxy)).text())).toBe('alive')
  const dead = await aProxy([], [await nowhere(), await nowhere()])
  expect((await upgrade(dead)).text()).toContain('502 Bad Gateway')
})

test('host and origin arrive as the browser sent them, with its address added', async () => {
  const gateway = await aGateway('one')
  const proxy = await aProxy([], [gateway.url])
  await upgrade(proxy)
  const { headers } = gateway.seen[0] ?? {}
  expect(headers?.host).toBe(new URL(proxy).host)
  expect(headers?.origin).toBe(proxy)
  expect(headers?.['x-forwarded-for']).toBe('127.0.0.1')
})

test('bytes go both ways, and when either end goes, the other does', async () => {
  const gateway = await aGateway('one')
  const proxy = await aProxy([], [gateway.url])
  const first = await upgrade(proxy)
  first.socket.write('hello')
  await vi.waitFor(() => expect(first.text()).toContain('hello'))
  gateway.upgraded[0]?.destroy()
  await vi.waitFor(() => expect(first.socket.destroyed).toBe(true))
  const second = await upgrade(proxy)
  second.socket.destroy()
  await vi.waitFor(() => expect(gateway.upgraded[1]?.destroyed).toBe(true), 3_000)
  await vi.waitFor(() => expect(sockets.size).toBe(0))
})

test('requests go to the first api that takes them, bodies and answers unchanged', async () => {
  const server = createServer((incoming, response) => {
    incoming.setEncoding('utf8')
    let body = ''
    incoming.on('data', (chunk: string) => (body += chunk))
    incoming.on('end', () =>
      response.writeHead(201, { 'x-api': 'alive' }).end(`${incoming.method} ${incoming.url} ${body}`),
    )
  })
  const proxy = await aProxy([await nowhere(), await listen(server)], [])
  const answer = await fetch(`${proxy}/v1/mutations?x=1`, { method: 'POST', body: '{"mutations":[]}' })
  expect(answer.status).toBe(201)
  expect(answer.headers.get('x-api')).toBe('alive')
  expect(await answer.text()).toBe('POST /v1/mutations?x=1 {"mutations":[]}')
})

test('with no api at all the answer is a problem document', async () => {
  const proxy = await aProxy([await nowhere()], [])
  const answer = await fetch(`${proxy}/v1/spaces`)
  expect(answer.status).toBe(502)
  expect(await answer.json()).toMatchObject({ code: 'unavailable' })
})

test('a request whose browser left is not carried on', async () => {
  let aborted = false
  const server = createServer((incoming) => incoming.on('close', () => (aborted = true)))
  const proxy = await aProxy([await listen(server)], [])
  const asking = request(`${proxy}/v1/spaces`)
  asking.on('error', () => undefined)
  asking.end()
  await once(server, 'request')
  asking.destroy()
  await vi.waitFor(() => expect(aborted).toBe(true))
})
