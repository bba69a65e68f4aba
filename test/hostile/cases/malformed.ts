/** Bytes that are no protocol: WebSocket and HTTP broken in each way that has a name. */
import { setTimeout as sleep } from 'node:timers/promises'
import { HttpPeer } from '../bytes/http-peer.ts'
import { closeFrame, OPCODE, upgradeHead, wsFrame } from '../bytes/ws-bytes.ts'
import { strangerTo } from '../bytes/strangers.ts'
import { WsPeer } from '../bytes/ws-peer.ts'
import type { Arena, Attack } from '../stage.ts'
import { problemOfAnswer } from '../well-formed.ts'

const SERVED_WITHIN_MS = 60_000
/** Some requests wait for more of themselves and are left to time-outs. */
const FATE_WITHIN_MS = 1_500

const bytes = (...numbers: number[]): Buffer => Buffer.from(numbers)

const brokenFrames: Record<string, Buffer> = {
  ...Object.fromEntries(
    [1, 2, 4, 7].map((reserved) => [`reserved bits ${reserved}`, wsFrame('{"type":"ping"}', { reserved })]),
  ),
  ...Object.fromEntries(
    [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, wsFrame('{"type":"ping"}', { opcode })]),
  ),
  'no mask': wsFrame('{"type":"ping"}', { mask: 'none' }),
  'another mask than it says': wsFrame(Buffer.from('{"type":"ping"}').map((byte) => byte ^ 0x55)),
  'bad UTF-8': wsFrame(bytes(0x7b, 0xff, 0xfe, 0x7d)),
  'overlong UTF-8': wsFrame(bytes(0xc0, 0xaf)),
  'half a surrogate as UTF-8': wsFrame(bytes(0xed, 0xa0, 0x80)),
  'a letter cut in two messages': Buffer.concat([wsFrame(bytes(0xe2, 0x82)), wsFrame(bytes(0xac))]),
  'a letter cut in two fragments': Buffer.concat([
    wsFrame(bytes(0xe2, 0x82), { fin: false }),
    wsFrame(bytes(0xac), { opcode: OPCODE.continuation }),
  ]),
  'a continuation of nothing': wsFrame('x', { opcode: OPCODE.continuation }),
  'a message within a message': Buffer.concat([wsFrame('{', { fin: false }), wsFrame('{"type":"ping"}')]),
  'a long ping': wsFrame('x'.repeat(126), { opcode: OPCODE.ping }),
  'a ping in fragments': wsFrame('x', { opcode: OPCODE.ping, fin: false }),
  'a close in fragments': wsFrame('x', { opcode: OPCODE.close, fin: false }),
  'a length of 2^63': wsFrame('', { claimedLength: 2 ** 63 }),
  'a length of 4 GiB': wsFrame('', { claimedLength: 2 ** 32 }),
  'a message of 17 MiB': wsFrame('x'.repeat(17 * 1024 * 1024)),
  NUL: wsFrame('\0'),
  'NUL in a frame': wsFrame('{"type":"ping\0"}'),
  'NUL escaped': wsFrame('{"type":"signal","space":"@a","name":"\\u0000"}'),
  'half a surrogate escaped': wsFrame('{"type":"signal","space":"@a","name":"\\ud800"}'),
  'a byte order mark': wsFrame('\ufeff{"type":"ping"}'),
  binary: wsFrame(bytes(0, 1, 2, 255), { opcode: OPCODE.binary }),
  'a frame as binary': wsFrame('{"type":"ping"}', { opcode: OPCODE.binary }),
  prototypes: wsFrame('{"__proto__":{"type":"ping"},"constructor":{"prototype":{"type":"ping"}},"type":"__proto__"}'),
  ...Object.fromEntries(
    [0, 999, 1000, 1004, 1005, 1006, 1015, 2999, 4000, 4501, 65_535].map((code) => [`close ${code}`, closeFrame(code)]),
  ),
  'a close of one byte': wsFrame(bytes(3), { opcode: OPCODE.close }),
  'a close with a bad reason': closeFrame(1000, bytes(0xff, 0xff)),
  'a frame after a close': Buffer.concat([closeFrame(1000), wsFrame('{"type":"ping"}')]),
  'HTTP in a WebSocket': Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  'a TLS hello': bytes(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3),
}

async function webSocket({ gateways: [gateway], stranger, claim }: Arena): Promise<void> {
  const { token } = await stranger()
  for (const [what, broken] of Object.entries(brokenFrames))
    for (const isLive of [false, true]) {
      const ws = isLive ? await WsPeer.live(gateway, token) : await WsPeer.open(gateway)
      await ws.peer.send(broken)
      await ws.isServed(SERVED_WITHIN_MS).catch((error: unknown) => claim(false, `${what}: ${String(error)}`))
      claim(ws.violations.length === 0, `${what}: ${ws.violations.join()}`)
      ws.cut()
    }
}

const heads = (host: string): Record<string, string> => {
  const get = (line: string, ...headers: string[]): string => [line, `Host: ${host}`, ...headers, '', ''].join('\r\n')
  const post = (...headers: string[]): string =>
    get('POST /v1/sessions HTTP/1.1', 'Content-Type: application/json', ...headers)
  return {
    'CL and TE': `${post('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\nGET /x HTTP/1.1\r\n\r\n`,
    'TE and CL': `${post('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
    'two lengths': `${post('Content-Length: 5', 'Content-Length: 6')}{"a":1`,
    'a negative length': post('Content-Length: -1'),
    'a length of 2^64': post('Content-Length: 18446744073709551616'),
    'a length in hex': post('Content-Length: 0x5'),
    'a chunk without a size': `${post('Transfer-Encoding: chunked')}zz\r\n{}\r\n0\r\n\r\n`,
    'a chunk of 2^60': `${post('Transfer-Encoding: chunked')}fffffffffffffff\r\n{}`,
    'an unknown encoding': `${post('Transfer-Encoding: gzip')}{}`,
    'two encodings': `${post('Transfer-Encoding: chunked, identity')}0\r\n\r\n`,
    'a head of 1 MiB': get('GET / HTTP/1.1', `X-A: ${'x'.repeat(1024 * 1024)}`),
    '20,000 headers': get('GET / HTTP/1.1', ...Array.from({ length: 20_000 }, (_, at) => `X-${at}: 1`)),
    'a path of 64 KiB': get(`GET /${'x'.repeat(64 * 1024)} HTTP/1.1`),
    'a folded header': get('GET / HTTP/1.1', 'X-A: 1\r\n 2'),
    'a header without a name': get('GET / HTTP/1.1', ': 1'),
    'a blank before the colon': get('GET / HTTP/1.1', 'Content-Length : 0'),
    'NUL in a header': get('GET / HTTP/1.1', 'X-A: \0'),
    'line ends of one byte': `GET / HTTP/1.1\nHost: ${host}\n\n`,
    'HTTP/0.9': 'GET /\r\n\r\n',
    'HTTP/1.0': 'GET /v1/spaces HTTP/1.0\r\n\r\n',
    'HTTP/9.9': get('GET / HTTP/9.9'),
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'no host': 'GET /v1/spaces HTTP/1.1\r\n\r\n',
    'two hosts': get('GET /v1/spaces HTTP/1.1', 'Host: other'),
    'an absolute address': get('GET http://elsewhere.example/v1/spaces HTTP/1.1'),
    'an asterisk': get('OPTIONS * HTTP/1.1'),
    'OPTIONS of nothing': get('OPTIONS /nowhere HTTP/1.1'),
    'OPTIONS of something': get('OPTIONS /v1/spaces HTTP/1.1'),
    'half a preflight': get('OPTIONS /v1/spaces HTTP/1.1', `Origin: http://${host}`),
    ...Object.fromEntries(
      ['TRACE', 'CONNECT', 'PROPFIND', 'PURGE', 'M-SEARCH', 'NONSENSE', 'get', '\u0001', 'X'.repeat(1_000)].map(
        (method) => [`the method ${method.slice(0, 10)}`, get(`${method} /v1/spaces HTTP/1.1`)],
      ),
    ),
    ...Object.fromEntries(
      [
        '/%zz',
        '/%',
        '/v1/%zz',
        '/v1/spaces/%00',
        '/v1/spaces/%ff',
        '/v1/..',
        '/v1/../metrics',
        '//v1//spaces',
        '/v1/spaces/%2e%2e',
        '/v1/spaces?limit=%zz',
        '/v1/spaces?limit=1&limit=2',
        '/v1/spaces?__proto__[a]=1',
        '/v1/beings?ids[]=@a',
        '/?',
        '/\ud83d',
      ].map((path) => [`the path ${path}`, get(`GET ${path} HTTP/1.1`)]),
    ),
    'a huge wait for permission': post('Content-Length: 99999999', 'Expect: 100-continue'),
    'an unknown wish': post('Content-Length: 2', 'Expect: miracles'),
    'an upgrade that is none': get('GET /v1/sync HTTP/1.1', 'Upgrade: h2c', 'Connection: Upgrade'),
    'an upgrade without a key': get('GET /v1/sync HTTP/1.1', 'Upgrade: websocket', 'Connection: Upgrade'),
    'an upgrade with a key that is none': upgradeHead(`http://${host}`).replace('dGhlIHNhbXBsZSBub25jZQ==', '\u0001'),
    'a TLS hello': '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001',
    letters: 'hello\r\n\r\n',
    NULs: '\0'.repeat(10_000),
  }
}

/** An answer with words of the api is a problem document. */
async function http({ api, gateways: [gateway], claim }: Arena): Promise<void> {
  await Promise.all(
    [api, gateway].flatMap((url) =>
      Object.entries(heads(new URL(url).host)).map(async ([what, head]) => {
        const peer = await HttpPeer.open(url)
        const answer = await peer.ask(Buffer.from(head, 'latin1'), FATE_WITHIN_MS).catch(() => undefined)
        const said = answer?.status ?? 0
        claim(said < 500 || said === 505, `${what}: answered ${said}`)
        // What Node itself refuses has no body.
        if (url === api && answer !== undefined && answer.body !== '')
          claim(problemOfAnswer(answer) === undefined, `${what}: ${problemOfAnswer(answer)}`)
        peer.cut()
      }),
    ),
  )
}

/** Connections that are cut in the middle of everything. */
async function cut({ api, gateways: [gateway], stranger, space }: Arena): Promise<void> {
  const { token } = await stranger()
  for (let times = 0; times < 40; times += 1) {
    const ws = await WsPeer.open(gateway)
    void ws.say({ type: 'hello', protocol: 1, token }, { type: 'subscribe', space })
    if (times % 2 === 0) await sleep(times / 4)
    ws.cut()
    const peer = await strangerTo(api)
    void peer.send(`GET /v1/spaces/${space} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    if (times % 2 === 0) await sleep(times / 4)
    peer.cut()
  }
}

export const malformed: readonly Attack[] = [
  { name: 'WebSocket broken in each way that has a name', strike: webSocket },
  { name: 'HTTP broken in each way that has a name', strike: http },
  { name: 'connections cut in the middle', strike: cut },
]
