/**
 * The web image's configuration in a real nginx, where there is one, between raw sockets and nodes that keep what
 * comes.
 */
import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { PAGE_HEADERS } from '@rhizom/web/server/page-headers.ts'
import { OUT_OF_SHAPE } from '@rhizom/web/server/testing/out-of-shape.ts'
import { aGateway, anApi, clear, head, sendRaw, statusOf } from '@rhizom/web/server/testing/stage.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anyFreePort } from '@rhizom/infra/local/ports.ts'
import { until } from '@rhizom/infra/local/until.ts'
import { hasNginx, startNginx } from './testing/nginx.ts'

const template = readFileSync(join(import.meta.dirname, '../../infra/docker/nginx.conf.template'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'rhizom-nginx-'))
const html = join(folder, 'html')
const PAGE = '<div id="root"></div>'
const PACKED = gzipSync('words '.repeat(1_000))

/** What a node answers: at one address in gzip. */
function answerOf(request: IncomingMessage, response: ServerResponse): void {
  if (request.url !== '/v1/packed') response.writeHead(201).end()
  else response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': PACKED.length }).end(PACKED)
}

describe.skipIf(!hasNginx)('nginx with the configuration of the web image', () => {
  let nginx: ChildProcess
  let api: Awaited<ReturnType<typeof anApi>>
  let gateway: Awaited<ReturnType<typeof aGateway>>
  let url = ''
  let said = ''

  beforeAll(async () => {
    mkdirSync(join(html, 'assets'), { recursive: true })
    writeFileSync(join(html, 'index.html'), PAGE)
    for (const name of ['assets/a-1b.js', '.env', 'assets/.env']) writeFileSync(join(html, name), 'content()')
    writeFileSync(join(folder, 'beside.txt'), 'content()')
    ;[api, gateway] = [await anApi(answerOf), await aGateway('one')]
    const port = await anyFreePort()
    url = `http://127.0.0.1:${port}`
    nginx = startNginx({
      ...{ template, folder, html, port, maxBodySize: '1k' },
      api: new URL(api.url).host,
      gateway: new URL(gateway.url).host,
      log: (text) => {
        said += text
      },
    })
    const answers = async (): Promise<boolean> => (await fetch(`${url}/healthz`)).ok
    const up = await until(answers, { withinMs: 60_000, giveUp: () => nginx.exitCode !== null })
    if (!up) throw new Error(`nginx does not start: ${said}`)
  })
  afterAll(async () => {
    nginx.kill('SIGQUIT')
    clear()
    if (nginx.exitCode === null) await once(nginx, 'exit')
    rmSync(folder, { recursive: true, force: true })
  })

  const get = (target: string, ...headers: string[]): Promise<string> =>
    sendRaw(url, head(`GET ${target}`, ...headers)).closed
  const reached = (): string[] => api.seen.splice(0).map(({ request }) => request.url ?? '')

  // nginx takes a whole url as what it is, and bytes that are not ASCII; both go no further than their path does.
  const TAKEN = ['http://127.0.0.1/v1/spaces', 'http://evil.example/metrics', '/caf\u00e9', '/spaces/%ff', '/%E0%A4%A']

  it.each(OUT_OF_SHAPE.filter((target) => !TAKEN.includes(target)))('K40 it refuses %j', async (target) => {
    const answer = await get(target)
    expect(statusOf(answer)).toBeOneOf([400, 404, 405])
    expect(answer).not.toContain('content()')
    expect(reached()).toEqual([])
    expect(gateway.seen).toEqual([])
  })

  it('K40 a whole url is taken by its path, and what it hides is refused', async () => {
    expect(statusOf(await get('http://evil.example/v1/spaces'))).toBe(201)
    expect(reached()).toEqual(['/v1/spaces'])
    for (const path of ['/v1/../metrics', '/v1/%2e%2e/metrics', '//v1/x', '/x/../v1/y'])
      expect(statusOf(await get(`http://evil.example${path}`)), path).toBe(400)
    expect(await get('http://evil.example/metrics')).toContain(PAGE)
    expect(reached()).toEqual([])
  })

  it.each(['/%76%31/spaces', '/%761/sync', '/metrics', '/internal/heads', '/v1x', '/healthz'])(
    'K40 %s reaches no node',
    async (path) => {
      await get(path)
      expect(reached()).toEqual([])
    },
  )

  it.each(['/v1', '/v1/', '/v1/spaces?x=../..//', '/v1/synchronise', '/v1/a.b'])(
    'K40 %s reaches the api as it came',
    async (path) => {
      expect(statusOf(await get(path))).toBe(201)
      expect(reached()).toEqual([path])
    },
  )

  it('K70 the public keys of sessions are those of the api, and nothing else beside them leads there', async () => {
    expect(statusOf(await get('/.well-known/jwks.json?x=1'))).toBe(201)
    expect(reached()).toEqual(['/.well-known/jwks.json'])
    const others = [
      '/.well-known/jwks.json/',
      '/.well-known/jwks.json/x',
      '/.well-known/',
      '/.well-known/openid',
      '/jwks.json',
    ]
    for (const path of others) expect(statusOf(await get(path)), path).toBe(404)
    for (const path of ['/.well-known/../metrics', '/v1/../.well-known/jwks.json', '//.well-known/jwks.json'])
      expect(statusOf(await get(path)), path).toBe(400)
    expect(reached()).toEqual([])
  })

  it.each([
    ['/', 200],
    ['/spaces/@lobby', 200],
    ['/assets/a-1b.js', 200],
    ['/assets/none.js', 404],
    ['/none.js', 404],
    ['/.env', 404],
    ['/assets/.env', 404],
    ['/%2eenv', 404],
    ['/beside.txt', 404],
    ['/../beside.txt', 400],
    ['/%zz', 400],
    ['/v1/spaces', 201],
    ['/healthz', 200],
  ])('K40 %s is %i, with the headers of the page', async (path, status) => {
    const answer = await get(path)
    expect(statusOf(answer)).toBe(status)
    for (const [name, value] of Object.entries(PAGE_HEADERS))
      expect(answer.split(`${name}: ${value}\r\n`)).toHaveLength(2)
    if (path !== '/assets/a-1b.js') expect(answer).not.toContain('content()')
    expect(/cache-control: (.*)\r\n/i.exec(answer)?.[1]).toBe(
      status !== 200 ? undefined : path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    )
    reached()
  })

  it('K41 all lines of X-Forwarded-For arrive as one that ends with the address of the client', async () => {
    const lines = ['X-Forwarded-For: 10.9.8.7, 10.9.8.6', 'X-Forwarded-For: 203.0.113.7']
    await get('/v1/spaces', ...lines)
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', ...lines]
    const socket = sendRaw(url, `${['GET /v1/sync HTTP/1.1', 'Host: a', ...upgrade].join('\r\n')}\r\n\r\n`)
    await until(() => gateway.seen.length > 0, { withinMs: 60_000 })
    socket.socket.destroy()
    for (const message of [api.seen.pop()?.request, gateway.seen.pop()])
      expect(message?.headersDistinct['x-forwarded-for']).toEqual(['10.9.8.7, 10.9.8.6, 203.0.113.7, 127.0.0.1'])
  })

  it('K80 a script is compressed once, by the build, and sent anew when a build changed it', async () => {
    const build = (text: string, atSeconds: number): void => {
      for (const [end, bytes] of [
        ['', Buffer.from(text)],
        ['.gz', gzipSync(text)],
      ] as const) {
        writeFileSync(join(html, `assets/big-2c.js${end}`), bytes)
        utimesSync(join(html, `assets/big-2c.js${end}`), atSeconds, atSeconds)
      }
    }
    const ask = async (...headers: string[]) => {
      const [lines = '', ...body] = (await get('/assets/big-2c.js', ...headers)).split('\r\n\r\n')
      const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(lines)?.[1]?.trim()
      return { status: statusOf(lines), header, body: Buffer.from(body.join('\r\n\r\n'), 'latin1') }
    }
    build('former()\n'.repeat(500), 1_000_000)
    const [packed, plain] = [await ask('Accept-Encoding: br, gzip'), await ask()]
    expect(gunzipSync(packed.body).toString()).toBe('former()\n'.repeat(500))
    expect([packed.header('content-encoding'), plain.header('content-encoding')]).toEqual(['gzip', undefined])
    expect([packed.header('vary'), plain.header('vary')]).toEqual(['Accept-Encoding', 'Accept-Encoding'])
    const held = `If-None-Match: ${packed.header('etag')}`
    expect((await ask('Accept-Encoding: gzip', held)).status).toBe(304)
    expect(packed.header('etag')).not.toBe(plain.header('etag'))
    build('later()\n'.repeat(500), 2_000_000)
    const changed = await ask('Accept-Encoding: gzip', held)
    expect(changed.status).toBe(200)
    expect(gunzipSync(changed.body).toString()).toBe('later()\n'.repeat(500))
  })

  it('K80 what a node compressed passes through, and a stream of events is not compressed and not held back', async () => {
    const answer = await get('/v1/packed', 'Accept-Encoding: gzip')
    expect(answer.match(/content-encoding: gzip\r\n/gi)).toHaveLength(1)
    expect(Buffer.from(answer.split('\r\n\r\n').slice(1).join('\r\n\r\n'), 'latin1').equals(PACKED)).toBe(true)
    let say = (_event: string): void => undefined
    gateway.server.on('request', (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      say = (event) => void response.write(`data: ${event}\n\n`)
      say('first')
    })
    const stream = sendRaw(url, head('GET /v1/sync/sse', 'Accept-Encoding: gzip'))
    expect(await until(() => stream.text().includes('data: first'), { withinMs: 60_000 })).toBe(true)
    say('second')
    expect(await until(() => stream.text().includes('data: second'), { withinMs: 60_000 })).toBe(true)
    expect(stream.text()).not.toMatch(/content-encoding/i)
    stream.socket.destroy()
    reached()
  })

  it('K41 a body over the limit is a problem document, and one that does not come reaches no api', async () => {
    const answer = await fetch(`${url}/v1/x`, { method: 'POST', body: 'a'.repeat(2_000_000) })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([413, 'application/problem+json'])
    expect(await answer.json()).toMatchObject({ status: 413, code: 'too-large' })
    const slow = sendRaw(url, head('POST /v1/slow', 'Content-Length: 20'), '{')
    expect(statusOf(await get('/v1/quick'))).toBe(201)
    slow.socket.destroy()
    expect(reached()).toEqual(['/v1/quick'])
    expect(template).toMatch(/client_header_timeout 10s;\s+client_body_timeout 10s;/)
  })
})
