/**
 * The way to the backend, between real sockets: what it spreads, what it passes over and on, and that nothing stays
 * behind.
 */
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { afterEach, expect, test, vi } from 'vitest'
import {
  aGateway,
  anApi,
  aPage,
  clear,
  head,
  listen,
  nowhere,
  type RawConnection,
  sendRaw,
  sockets,
  statusOf,
} from './testing/stage.ts'

afterEach(clear)

const UPGRADE = ['Upgrade: websocket', 'Connection: Upgrade']
const upgradeHead = (url: string, ...more: string[]): string => {
  const { host } = new URL(url)
  return `${['GET /v1/sync HTTP/1.1', `Host: ${host}`, ...UPGRADE, `Origin: http://${host}`, ...more].join('\r\n')}\r\n\r\n`
}

/** Opens a socket through the page server, and waits for the word of a gateway or a refusal. */
async function upgrade(url: string, ...more: string[]): Promise<RawConnection> {
  const connection = sendRaw(url, upgradeHead(url, ...more))
  await vi.waitFor(() => expect(connection.text()).toMatch(/;$|HTTP\/1\.1 [45]/))
  return connection
}

const nameIn = (text: string): string => text.split('\r\n\r\n')[1]?.split(';')[0] ?? ''

test('W29 sockets are spread over the gateways in turn', async () => {
  const [one, two] = [await aGateway('one'), await aGateway('two')]
  const { url } = await aPage({ gatewayUrls: [one.url, two.url] })
  const names: string[] = []
  for (let index = 0; index < 4; index += 1) names.push(nameIn((await upgrade(url)).text()))
  expect(names).toEqual(['one', 'two', 'one', 'two'])
})

test('W28 a gateway that is gone is passed over, and when all are gone the browser learns it at once', async () => {
  const alive = await aGateway('alive')
  const { url } = await aPage({ gatewayUrls: [await nowhere(), alive.url] })
  expect(nameIn((await upgrade(url)).text())).toBe('alive')
  expect(nameIn((await upgrade(url)).text())).toBe('alive')
  const dead = await aPage({ gatewayUrls: [await nowhere(), await nowhere()] })
  expect(await (await upgrade(dead.url)).closed).toContain('502 Bad Gateway')
})

test('W29 a gateway that does not upgrade says why, whole and once, and the next is not asked', async () => {
  const refusing = createServer((_request, response) => {
    response.writeHead(426, { 'X-Why': 'drained' })
    response.write('not ')
    response.end('today')
  })
  const next = await aGateway('next')
  const { url } = await aPage({ gatewayUrls: [await listen(refusing), next.url] })
  const text = await (await upgrade(url)).closed
  expect(text).toMatch(/^HTTP\/1\.1 426 [^]*X-Why: drained\r\n[^]*\r\n\r\nnot today$/)
  expect(text).not.toMatch(/transfer-encoding/i)
  expect(next.seen).toEqual([])
})

test('W30 host and origin arrive as the browser sent them, with its address added', async () => {
  const gateway = await aGateway('one')
  const { url } = await aPage({ gatewayUrls: [gateway.url] })
  await upgrade(url)
  const { headers } = gateway.seen[0] ?? {}
  expect(headers?.host).toBe(new URL(url).host)
  expect(headers?.origin).toBe(url)
  expect(headers?.['x-forwarded-for']).toBe('127.0.0.1')
})

test('W30 all lines of X-Forwarded-For are one line that ends with the address, for sockets and requests', async () => {
  const lines = ['X-Forwarded-For: 10.9.8.7, 10.9.8.6', 'X-Forwarded-For: 203.0.113.7', 'X-Forwarded-For: ']
  const [gateway, api] = [await aGateway('one'), await anApi()]
  const { url } = await aPage({ gatewayUrls: [gateway.url], apiUrls: [api.url] })
  await upgrade(url, ...lines)
  await sendRaw(url, head('GET /v1/spaces', ...lines)).closed
  for (const message of [gateway.seen[0], api.seen[0]?.request]) {
    const raw = message?.rawHeaders ?? []
    const said = raw.filter((_text, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === 'x-forwarded-for')
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(/^10\.9\.8\.7, 10\.9\.8\.6, 203\.0\.113\.7(, )?, 127\.0\.0\.1$/)
  }
})

test('W29 bytes go both ways, and when either end goes, the other does', async () => {
  const gateway = await aGateway('one')
  const { url } = await aPage({ gatewayUrls: [gateway.url] })
  const first = await upgrade(url)
  first.socket.write('hello')
  await vi.waitFor(() => expect(first.text()).toContain('hello'))
  gateway.upgraded[0]?.destroy()
  await vi.waitFor(() => expect(first.socket.destroyed).toBe(true))
  const second = await upgrade(url)
  second.socket.destroy()
  await vi.waitFor(() => expect(gateway.upgraded[1]?.destroyed).toBe(true), 3_000)
  await vi.waitFor(() => expect(sockets.size).toBe(0))
})

test('W22 requests go to the first api that takes them, path, body and answer unchanged', async () => {
  const api = await anApi()
  const { url } = await aPage({ apiUrls: [await nowhere(), api.url] })
  const answer = await fetch(`${url}/v1/mutations?x=1&y=..%2f`, { method: 'POST', body: '{"mutations":[]}' })
  expect(answer.status).toBe(201)
  expect(answer.headers.get('x-api')).toBe('alive')
  expect(await answer.text()).toBe('POST /v1/mutations?x=1&y=..%2f {"mutations":[]}')
})

test.each([
  '/v1/../metrics',
  '/v1/%2e%2e/metrics',
  '/v1/..%2fmetrics',
  '//v1/x',
  'http://a/v1/x',
  '/%2e%2e/v1/x',
  '/metrics',
])('W22 %s reaches no node', async (target) => {
  const [api, gateway] = [await anApi(), await aGateway('one')]
  const { url } = await aPage({ apiUrls: [api.url], gatewayUrls: [gateway.url] })
  await sendRaw(url, head(`GET ${target}`)).closed
  const socket = sendRaw(url, upgradeHead(url).replace('/v1/sync', target))
  await vi.waitFor(() => expect(statusOf(socket.text())).toBeOneOf([200, 400]))
  await sendRaw(url, head('GET /v1/spaces')).closed
  expect(api.seen.map(({ request: { url } }) => url)).toEqual(['/v1/spaces'])
  expect(gateway.seen).toEqual([])
})

test('W28 with no api at all the answer is a problem document', async () => {
  const { url } = await aPage({ apiUrls: [await nowhere()] })
  const answer = await fetch(`${url}/v1/spaces`)
  expect(answer.status).toBe(502)
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  expect(answer.headers.get('retry-after')).toBe('1')
  expect(await answer.json()).toMatchObject({ status: 502, code: 'unavailable', retryAfterMs: 1_000 })
})

test('W28 an api that is lost with a request has had it alone: a write is told that its outcome is unknown', async () => {
  const dying = await anApi((message) => message.socket.destroy())
  const next = await anApi()
  const { url } = await aPage({ apiUrls: [dying.url, next.url] })
  const write = await fetch(`${url}/v1/mutations`, { method: 'POST', body: '{}' })
  expect([write.status, await write.json()]).toMatchObject([502, { code: 'outcome-unknown' }])
  const read = await fetch(`${url}/v1/spaces`)
  expect([read.status, await read.json()]).toMatchObject([502, { code: 'unavailable' }])
  expect(next.seen).toEqual([])
})

test('W29 a request whose browser left is not carried on', async () => {
  let aborted = false
  const server = createServer((incoming) => incoming.on('close', () => (aborted = true)))
  const { url } = await aPage({ apiUrls: [await listen(server)] })
  const asking = request(`${url}/v1/spaces`)
  asking.on('error', () => undefined)
  asking.end()
  await once(server, 'request')
  asking.destroy()
  await vi.waitFor(() => expect(aborted).toBe(true))
})

const SMUGGLED = 'POST /internal/heads HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'

test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST'])(
  'W31 a body of %s stays a body, whether its length was said or it came in parts',
  async (method) => {
    const api = await anApi()
    const { url } = await aPage({ apiUrls: [api.url] })
    const chunk = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`
    await sendRaw(url, head(`${method} /v1/a`, `Content-Length: ${SMUGGLED.length}`), SMUGGLED).closed
    await sendRaw(url, head(`${method} /v1/b`, 'Transfer-Encoding: chunked'), chunk).closed
    expect(api.seen.map(({ request: { url } }) => url)).toEqual(['/v1/a', '/v1/b'])
    expect(api.seen.map(({ body }) => body)).toEqual([SMUGGLED, SMUGGLED])
  },
)

test('W31 what concerns this connection alone is not passed on, in either direction', async () => {
  const api = await anApi((_message, response) => {
    response.writeHead(200, { Connection: 'x-secret', 'X-Secret': 'a', 'Keep-Alive': 'timeout=9', 'X-Kept': 'b' }).end()
  })
  const { url } = await aPage({ apiUrls: [api.url] })
  const text = await sendRaw(
    url,
    'GET /v1/x HTTP/1.1\r\nHost: a\r\nConnection: close, x-mine\r\nX-Mine: 1\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Yours: 2\r\n\r\n',
  ).closed
  expect(text).not.toMatch(/x-secret|timeout=9/i)
  expect(text).toMatch(/x-kept: b/i)
  expect(api.seen[0]?.request.headers).toMatchObject({ 'x-yours': '2' })
  expect(Object.keys(api.seen[0]?.request.headers ?? {})).not.toEqual(expect.arrayContaining(['x-mine']))
  for (const name of ['x-mine', 'te', 'upgrade']) expect(api.seen[0]?.request.headers).not.toHaveProperty(name)
  expect(statusOf(text)).toBe(200)
})
