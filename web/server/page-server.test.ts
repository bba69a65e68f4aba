/** The page's port over real sockets: files, headers, and whatever else a peer may send. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import helmet from 'helmet'
import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { PAGE_HEADERS } from './page-headers.ts'
import { createPageFiles } from './page-files.ts'
import { knowsNames } from './page-names.ts'
import { aGateway, anApi, aPage, clear, head, listen, nowhere, sendRaw, sockets, statusOf } from './testing/stage.ts'

const root = mkdtempSync(join(tmpdir(), 'rhizom page '))
const page = join(root, 'page')
beforeAll(() => {
  mkdirSync(join(page, 'assets'), { recursive: true })
  mkdirSync(join(page, '.hidden'))
  const files = {
    'index.html': '<title>the page</title>',
    'icon.svg': '<svg/>',
    'assets/a-1b.js': 'one()',
    'assets/a-1b.css': 'a{}',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(page, name), text)
  for (const name of ['.env', '.hidden/a.js']) writeFileSync(join(page, name), 'secret')
  writeFileSync(join(root, 'beside.txt'), 'secret')
})
afterAll(() => rmSync(root, { recursive: true }))
afterEach(clear)

const aRealPage = (nodes: Parameters<typeof aPage>[0] = {}) => aPage(nodes, { sendPage: createPageFiles(page) })

describe('files', () => {
  test.each([
    ['/', 'text/html; charset=utf-8', 'no-cache'],
    ['/index.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/icon.svg', 'image/svg+xml', 'no-cache'],
    ['/assets/a-1b.js', 'application/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/assets/a-1b.css?x', 'text/css; charset=utf-8', 'public, max-age=31536000, immutable'],
  ])('W23 %s is %s, kept %s', async (path, type, caching) => {
    const { url } = await aRealPage()
    const answer = await fetch(url + path)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe(type)
    expect(answer.headers.get('cache-control')).toBe(caching)
    const etag = answer.headers.get('etag') ?? ''
    const again = await sendRaw(url, head(`GET ${path}`, `If-None-Match: ${etag}`)).closed
    expect([statusOf(again), headersIn(again)['cache-control']]).toEqual([304, caching])
    const alone = await fetch(url + path, { method: 'HEAD' })
    expect([alone.status, alone.headers.get('content-length'), await alone.text()]).toEqual([
      200,
      answer.headers.get('content-length'),
      '',
    ])
  })

  test('W37 what the build compressed is sent so to whoever takes it, as the same file', async () => {
    const { url } = await aRealPage()
    const whole = 'many()\n'.repeat(1_000)
    writeFileSync(join(page, 'assets/big-2c.js'), whole)
    writeFileSync(join(page, 'assets/big-2c.js.gz'), gzipSync(whole))
    const ask = (accepts: string) =>
      sendRaw(url, head('GET /assets/big-2c.js', ...(accepts === '' ? [] : [`Accept-Encoding: ${accepts}`]))).closed
    for (const accepts of ['gzip', 'br, GZIP;q=0.5', 'deflate, gzip'])
      expect(headersIn(await ask(accepts))).toMatchObject({
        'content-encoding': 'gzip',
        'content-type': 'application/javascript; charset=utf-8',
        'content-length': `${gzipSync(whole).length}`,
        vary: 'Accept-Encoding',
      })
    for (const accepts of ['', 'br', 'gzip;q=0', 'gzip; q=0.0', 'x-gzip']) {
      const plain = headersIn(await ask(accepts))
      expect([accepts, plain['content-encoding'], plain['content-length']]).toEqual([accepts, undefined, '7000'])
      expect(plain['vary']).toBe('Accept-Encoding')
    }
    const answer = await fetch(`${url}/assets/big-2c.js`)
    expect(await answer.text()).toBe(whole)
    const etag = answer.headers.get('etag') ?? ''
    const again = await sendRaw(url, head('GET /assets/big-2c.js', `If-None-Match: ${etag}`, 'Accept-Encoding: gzip'))
      .closed
    expect([statusOf(again), headersIn(again)['content-encoding']]).toEqual([304, undefined])
  })

  test.each([
    '/spaces/@lobby',
    '/spaces/%40lobby?x',
    '/anything',
    '/spaces/%25E0',
    '/spaces/@a%2Fb',
    '/assets%2Fa',
    '/metrics',
    '/internal/heads',
    '/@fs/etc/passwd',
  ])('W23 %s is an address of the page', async (path) => {
    const { url } = await aRealPage()
    const answer = await fetch(url + path)
    expect([answer.status, await answer.text()]).toEqual([200, '<title>the page</title>'])
    expect(answer.headers.get('cache-control')).toBe('no-cache')
  })

  test.each([
    ...[
      '/assets%2Fa-1b.js',
      '/a%2F.env',
      '/assets/none',
      '/assets/none.js',
      '/none.js',
      '/a/b.json',
      '/assets/',
      '/package.json',
      '/src/main.tsx',
    ],
    ...['/.env', '/.hidden/a.js', '/.hidden', '/%2eenv', '/.local/secrets.json', '/.git/config', '/beside.txt'],
    ...[
      '/assets/../../beside.txt',
      '/%2e%2e/beside.txt',
      '/..%2fbeside.txt',
      '/%252e%252e/beside.txt',
      '/....//beside.txt',
    ],
    ...[`/@fs${root}/beside.txt`, '/index.html/x.js', '/assets/a-1b.js/', '/icon.svg%00.png'],
  ])('W23 %s is no file', async (path) => {
    const { url } = await aRealPage()
    const text = await sendRaw(url, head(`GET ${path.replaceAll(' ', '%20')}`)).closed
    expect(statusOf(text)).toBeOneOf([400, 404])
    expect(text).not.toMatch(/secret|title/)
    expect(text).toMatch(/\r\ncache-control: no-store\r\n/i)
  })

  test('W23 a page that was taken away under the server is missing, and costs nothing else', async () => {
    const gone = join(root, 'gone')
    const { url, faults } = await aPage({}, { sendPage: createPageFiles(gone) })
    expect((await fetch(url)).status).toBe(404)
    mkdirSync(gone)
    writeFileSync(join(gone, 'index.html'), 'back')
    expect(await (await fetch(url)).text()).toBe('back')
    expect(faults).toEqual([])
  })

  test('W23 a part of a file is what was asked for', async () => {
    const { url } = await aRealPage()
    const part = await fetch(`${url}/assets/a-1b.js`, { headers: { Range: 'bytes=1-3' } })
    expect([part.status, await part.text()]).toEqual([206, 'ne('])
    expect((await fetch(`${url}/assets/a-1b.js`, { headers: { Range: 'bytes=99-' } })).status).toBe(416)
  })
})

function headersIn(text: string): Record<string, string> {
  const lines = text.split('\r\n\r\n')[0]?.split('\r\n').slice(1) ?? []
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
}

describe('headers', () => {
  const expected = Object.fromEntries(Object.entries(PAGE_HEADERS).map(([name, value]) => [name.toLowerCase(), value]))

  test.each([
    ['the page', 200, head('GET /')],
    ['a file', 200, head('GET /assets/a-1b.js')],
    ['a missing file', 404, head('GET /assets/none.js')],
    ['an answer of the api', 201, head('GET /v1/spaces')],
    ['a body too large', 413, head('POST /v1/x', 'Content-Length: 1001') + 'a'.repeat(1_001)],
    ['a method that the page does not know', 405, head('DELETE /')],
    ['an odd path', 400, head('GET /../x')],
    ['an escape that is none', 400, head('GET /%zz')],
    ['an address too long', 414, head(`GET /${'a'.repeat(9_000)}`)],
    ['a head too large', 431, head('GET /', `X: ${'a'.repeat(20_000)}`)],
    ['no request at all', 400, 'hello\r\n\r\n'],
    ['a method that nobody knows', 400, head('FETCH /')],
    ['a tunnel', 405, head('CONNECT a.example:443')],
    ['no host', 400, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['two hosts', 400, head('GET /', 'Host: another.example')],
    ['an expectation', 417, head('GET /', 'Expect: a-miracle')],
    [
      'a socket with no gateway',
      502,
      'GET /v1/sync HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
  ])('W24 %s (%i) has the headers of the page', async (_what, status, text) => {
    const api = await anApi()
    const { url } = await aRealPage({ apiUrls: [api.url], gatewayUrls: [await nowhere()] })
    const answer = await sendRaw(url, text).closed
    expect(statusOf(answer)).toBe(status)
    expect(headersIn(answer)).toMatchObject(expected)
    expect(headersIn(answer)).not.toHaveProperty('x-powered-by')
  })

  test('W24 a stricter word of the api stands, once', async () => {
    const strict = { 'content-security-policy': "default-src 'none'", 'X-Frame-Options': 'SAMEORIGIN' }
    const api = await anApi((_request, response) => void response.writeHead(200, strict).end())
    const { url } = await aRealPage({ apiUrls: [api.url] })
    const { headers } = await fetch(`${url}/v1/x`)
    expect(headers.get('content-security-policy')).toBe("default-src 'none'")
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  })

  test('W24 the list lacks nothing that helmet sends, but what is not for a page over plain HTTP, or obsolete', async () => {
    const protect = helmet()
    const server = createServer((request, response) => protect(request, response, () => response.end()))
    const names = [...(await fetch(await listen(server))).headers.keys()]
    const notForUs = [
      'strict-transport-security',
      'origin-agent-cluster',
      'x-dns-prefetch-control',
      'x-download-options',
    ]
    const obsolete = ['x-permitted-cross-domain-policies', 'x-xss-protection']
    const ofHttp = ['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding']
    const left = names.filter((name) => ![...notForUs, ...obsolete, ...ofHttp].includes(name))
    expect(left.length).toBeGreaterThan(4)
    expect(Object.keys(expected)).toEqual(expect.arrayContaining(left))
  })

  test('W24 the policy allows nothing inline, nothing evaluated, nothing from elsewhere', () => {
    const policy = PAGE_HEADERS['Content-Security-Policy'] ?? ''
    expect(policy).not.toMatch(/unsafe|data:|blob:|\*|https?:/)
    expect(policy.split('; ').toSorted()).toEqual([
      "base-uri 'none'",
      "connect-src 'self'",
      "default-src 'self'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "object-src 'none'",
    ])
  })
})

const GARBAGE: [what: string, text: string][] = [
  ['zeros', '\0\0\0\0'],
  ['words', '\r\n\r\n\r\n\r\nhello'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a line too short', 'GET\r\n\r\n'],
  ['a version that is none', 'GET / HTTP/9.9\r\n\r\n'],
  ['a header without a colon', 'GET / HTTP/1.1\r\nHost a\r\n\r\n'],
  ['a folded header', 'GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n'],
  ['a header without a name', 'GET / HTTP/1.1\r\n: x\r\n\r\n'],
  ['a negative length', 'POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'],
  ['two lengths', 'POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  [
    'a length and parts',
    'POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a part without a length', 'POST /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ['an encoding that hides the length', 'POST /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n'],
  ['3,000 percent signs', head(`GET /${'%'.repeat(3_000)}`)],
  ['15,000 slashes', head(`GET ${'/'.repeat(15_000)}`)],
  ['30,000 headers', head('GET /', ...Array.from({ length: 30_000 }, () => 'X: y'))],
]

describe('whatever comes', () => {
  test.each(GARBAGE)('W25 %s: a 4xx or no answer, and the end of the connection', async (_what, text) => {
    const api = await anApi()
    const { url, faults } = await aRealPage({ apiUrls: [api.url] })
    const connection = sendRaw(url, Buffer.from(text, 'latin1'))
    connection.socket.end()
    const answer = await connection.closed
    if (answer !== '') expect(Math.floor(statusOf(answer) / 100)).toBe(4)
    expect((await fetch(url)).status).toBe(200)
    expect(faults).toEqual([])
    expect(api.seen).toEqual([])
  })

  test('W25 garbage behind a request does not get into its answer', async () => {
    let finish = (): void => undefined
    const api = await anApi((_request, response) => {
      response.writeHead(200, { 'Content-Length': 10 }).write('begun')
      finish = () => void response.end('ended')
    })
    const { url } = await aRealPage({ apiUrls: [api.url] })
    const connection = sendRaw(url, 'GET /v1/x HTTP/1.1\r\nHost: a\r\n\r\n')
    await vi.waitFor(() => expect(connection.text()).toContain('begun'))
    connection.socket.write('garbage\r\n\r\n')
    expect((await connection.closed).endsWith('begun')).toBe(true)
    finish()
  })

  test('W25 a wish to upgrade to something else is passed over', async () => {
    const { url } = await aRealPage()
    const wish = ['Connection: close, Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']
    const text = await sendRaw(url, `${['GET / HTTP/1.1', 'Host: a', ...wish].join('\r\n')}\r\n\r\n`).closed
    expect(statusOf(text)).toBe(200)
    expect(text).toContain('the page')
  })

  test('W33 it answers by its names, by localhost and by addresses, and by no other', async () => {
    const gateway = await aGateway('one')
    const isKnownName = knowsNames(['page.example', 'MACHINE'])
    const { url } = await aPage({ gatewayUrls: [gateway.url] }, { isKnownName })
    const ask = async (host: string, ...more: string[]): Promise<number> =>
      statusOf(
        await sendRaw(url, `${['GET / HTTP/1.1', `Host: ${host}`, 'Connection: close', ...more].join('\r\n')}\r\n\r\n`)
          .closed,
      )
    const known = [
      'page.example',
      'Page.Example:8080',
      'machine',
      'localhost:1',
      'x.localhost',
      '127.0.0.1',
      '[::1]:5173',
    ]
    for (const host of known) expect(await ask(host), host).toBe(200)
    const unknown = [
      'evil.example',
      'evil.page.example',
      'page.example.evil',
      'localhost.evil',
      '127.0.0.1.evil',
      '',
      'a b',
      '[::1',
    ]
    for (const host of unknown) expect(await ask(host), host).toBe(421)
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket']
    const socket = sendRaw(url, `${['GET /v1/sync HTTP/1.1', 'Host: evil.example', ...upgrade].join('\r\n')}\r\n\r\n`)
    expect(statusOf(await socket.closed)).toBe(421)
    expect(gateway.seen).toEqual([])
  })

  test.runIf(process.platform === 'linux')(
    'W25 a file that breaks while it is read is told, and costs one answer',
    async () => {
      // It is there, and nothing of it can be read.
      symlinkSync('/proc/self/mem', join(page, 'broken.js'))
      const { url, faults } = await aRealPage()
      await sendRaw(url, head('GET /broken.js')).closed
      expect(faults).toEqual([expect.objectContaining({ syscall: 'read' })])
      expect((await fetch(url)).status).toBe(200)
    },
  )

  test('W25 what is thrown on the way costs one request, and is told', async () => {
    const boom = new Error('boom')
    let times = 0
    const sendPage: Parameters<typeof aPage>[1] = {
      sendPage: async (_target, _request, response) => {
        times += 1
        if (times === 1) throw boom
        response.end('well')
      },
    }
    const { url, faults } = await aPage({}, sendPage)
    const answer = await fetch(url)
    expect([answer.status, await answer.json()]).toMatchObject([500, { code: 'internal' }])
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
    expect(await (await fetch(url)).text()).toBe('well')
    expect(faults).toEqual([boom])
  })

  test('W25 peers that reset their connection, at whatever moment, cost nothing', async () => {
    const slow = createServer((_request, response) => void response.writeHead(200).write('a'.repeat(100_000)))
    slow.on('upgrade', (_request, socket) => {
      socket.on('error', () => socket.destroy())
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello')
    })
    const silent = createServer((_request, response) => void response.writeHead(503).write('b'.repeat(100_000)))
    const node = await listen(slow)
    const { url, faults } = await aRealPage({ apiUrls: [node], gatewayUrls: [await nowhere(), node] })
    const { url: refused } = await aRealPage({ apiUrls: [node] })
    const { url: declined } = await aRealPage({ apiUrls: [node], gatewayUrls: [await listen(silent)] })
    const upgrade = 'GET /v1/sync HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    const answered = [head('GET /'), head('GET /v1/x'), upgrade, 'x\r\n\r\n']
    const begun = ['', 'GE', `${head('POST /v1/x', 'Content-Length: 9')}a`, ...answered]
    const moments = [...begun.map((text) => [text, 'connect']), ...answered.map((text) => [text, 'data'])]
    for (const [text = '', moment = ''] of moments) {
      // Also where no gateway is left, and where the one that is does not upgrade.
      for (const stage of [url, refused, declined]) {
        const { socket } = sendRaw(stage, text)
        await once(socket, moment)
        socket.resetAndDestroy()
      }
    }
    expect((await fetch(url)).status).toBe(200)
    await vi.waitFor(() =>
      expect([...sockets].filter(({ remotePort }) => remotePort !== undefined).length).toBeLessThan(4),
    )
    expect(faults).toEqual([])
  })
})

describe('slow peers', () => {
  const HEAD = 'POST /v1/x HTTP/1.1\r\nHost: a\r\n'
  test.each([
    ['half a head', 'GET / HTTP/1.1\r\nHo'],
    ['nothing', ''],
    ['no body', `${HEAD}Content-Length: 900\r\n\r\n`],
    ['half a body', `${HEAD}Content-Length: 900\r\n\r\n{`],
    ['half a part of a body', `${HEAD}Transfer-Encoding: chunked\r\n\r\nff\r\nab`],
    ['a body too large that does not come', `${HEAD}Content-Length: 90000\r\n\r\n`],
  ])('W26 with %s are answered with 408 in time, whatever they still drip', async (_what, text) => {
    const api = await anApi()
    const { url } = await aPage({ apiUrls: [api.url] }, { requestTimeoutMs: 100 })
    const connection = sendRaw(url, text)
    const drip = setInterval(() => connection.socket.write(text === '' ? '' : 'a'), 10)
    const answer = await connection.closed.finally(() => clearInterval(drip))
    expect(statusOf(answer)).toBe(408)
    expect(api.seen).toEqual([])
  })

  test('W26 five hundred of them at once hold nobody else away', async () => {
    const api = await anApi()
    const { url } = await aPage({ apiUrls: [api.url] }, { requestTimeoutMs: 3_000 })
    const slow = Array.from({ length: 500 }, () => sendRaw(url, `${HEAD}Content-Length: 20\r\n\r\n`))
    await vi.waitFor(() => expect(sockets.size).toBeGreaterThanOrEqual(1_000), 30_000)
    expect((await fetch(`${url}/v1/spaces`)).status).toBe(201)
    const answers = await Promise.all(slow.map(({ closed }) => closed))
    expect(answers.map(statusOf).filter((status) => status !== 408)).toEqual([])
  })

  test('W26 a socket that was upgraded, or an answer that goes on, is not a slow request', async () => {
    const gateway = await aGateway('one')
    const stream = await anApi((_request, response) => void response.writeHead(200).write('begun'))
    const { url } = await aPage({ gatewayUrls: [gateway.url], apiUrls: [stream.url] }, { requestTimeoutMs: 1_000 })
    const upgraded = sendRaw(
      url,
      'GET /v1/sync HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    const answered = sendRaw(url, head('GET /v1/x'))
    const idle = sendRaw(url, 'GET /v1/half HTTP/1.1\r\n')
    await vi.waitFor(() => expect(upgraded.text() + answered.text()).toMatch(/one;[^]*begun/))
    // By then their time would be up as well.
    expect(statusOf(await idle.closed)).toBe(408)
    expect([upgraded.socket.destroyed, answered.socket.destroyed]).toEqual([false, false])
  })
})
