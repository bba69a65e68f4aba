/** Much that consists of very little: lines, empty messages, control frames, fragments, chunks, values, requests. */
import { v7 as uuidv7 } from 'uuid'
import { HttpPeer } from '../bytes/http-peer.ts'
import { httpRequest } from '../bytes/http-bytes.ts'
import { strangerTo } from '../bytes/strangers.ts'
import { OPCODE, wsFrame } from '../bytes/ws-bytes.ts'
import { WsPeer } from '../bytes/ws-peer.ts'
import type { Arena, Attack } from '../stage.ts'
import { problemOfAnswer } from '../well-formed.ts'

const MEBIBYTE = 1024 * 1024
const ENOUGH_MS = 3_000
const SERVED_WITHIN_MS = 60_000

/** Sends the same bytes over and over, to a new connection whenever one is closed, for a while. */
async function flood(
  connect: () => Promise<WsPeer>,
  bytes: Buffer,
  times: number,
  claim: Arena['claim'],
): Promise<void> {
  const deadline = performance.now() + ENOUGH_MS
  for (let sent = 0; sent < times && performance.now() < deadline; ) {
    const ws = await connect()
    while (sent < times && !ws.isClosed && performance.now() < deadline) {
      await ws.peer.send(bytes)
      sent += 1
    }
    await ws.isServed(SERVED_WITHIN_MS)
    claim(ws.violations.length === 0, ws.violations.join())
    ws.cut()
  }
}

const beforeAndAfterHello =
  (payload: string, times: number) =>
  async ({ gateways: [gateway], stranger, claim }: Arena): Promise<void> => {
    const { token } = await stranger()
    const bytes = wsFrame(payload)
    await flood(() => WsPeer.open(gateway), bytes, times, claim)
    await flood(() => WsPeer.live(gateway, token), bytes, times, claim)
  }

async function controlFrames({ gateways: [gateway], stranger, claim }: Arena): Promise<void> {
  const { token } = await stranger()
  const many = (count: number, frame: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => frame))
  const payload = Buffer.alloc(125, 'x')
  for (const bytes of [
    many(20_000, wsFrame('')),
    many(20_000, wsFrame(payload, { opcode: OPCODE.ping })),
    many(20_000, wsFrame(payload, { opcode: OPCODE.pong })),
    many(20_000, wsFrame('', { opcode: OPCODE.binary })),
  ]) {
    await flood(() => WsPeer.open(gateway), bytes, 3, claim)
    await flood(() => WsPeer.live(gateway, token), bytes, 3, claim)
  }
}

async function fragments({ api, gateways: [gateway], stranger, claim }: Arena): Promise<void> {
  const { token } = await stranger()
  const word = JSON.stringify({ type: 'ping', beside: 'x'.repeat(60_000) })
  const cut = Buffer.concat(
    Array.from(word, (letter, at) =>
      wsFrame(letter, { opcode: at === 0 ? OPCODE.text : OPCODE.continuation, fin: at === word.length - 1 }),
    ),
  )
  const ws = await WsPeer.live(gateway, token)
  for (let times = 0; times < 5 && !ws.isClosed; times += 1) await ws.peer.send(cut)
  await ws.isServed(SERVED_WITHIN_MS)
  const empty = wsFrame('', { opcode: OPCODE.continuation, fin: false })
  await ws.peer.send(wsFrame('', { fin: false }))
  await ws.peer.send(Buffer.concat(Array.from({ length: 50_000 }, () => empty)))
  ws.cut()

  const body = JSON.stringify({ name: 'x'.repeat(100_000) })
  const http = await strangerTo(api)
  const chunks = Array.from(body, (letter) => `1\r\n${letter}\r\n`).join('')
  await http.send(
    `POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
  )
  await http.until('an answer', () => http.size > 0 || http.isClosed, SERVED_WITHIN_MS)
  claim(/^HTTP\/1\.1 (?:4\d\d|201) /.test(http.text) || http.isClosed, `chunks were answered ${http.text.slice(0, 40)}`)
  http.cut()
}

/** Four mebibytes each, of as many values as fit. */
function dense(space: string): Record<string, string> {
  const fill = (part: string, size: number): string => part.repeat(Math.floor(size / part.length)).slice(0, -1)
  const mutation = (args: string): string =>
    `{"mutations":[{"id":"${uuidv7()}","space":"${space}","name":"intention.create","args":{"id":"${uuidv7()}","type":"utterance",${args}}}]}`
  const size = 4 * MEBIBYTE - 400
  const keys = Array.from({ length: 300_000 }, (_, at) => `"${at}":1`).join(',')
  return {
    'empty texts': mutation(`"content":[${fill('"",', size)}]`),
    'small nodes': mutation(`"content":[${fill('{"type":"a"},', size)}]`),
    'zeros in a node': mutation(`"content":[{"type":"a","b":[${fill('0,', size)}]}]`),
    '300,000 keys': mutation(`"content":[{"type":"a",${keys}}]`),
    '300,000 unknown fields': `{${keys},"mutations":[]}`,
    'empty mutations': `{"mutations":[${fill('{},', size)}]}`,
  }
}

async function denseBodies({ api, stranger, claim, space }: Arena): Promise<void> {
  const { token } = await stranger()
  const bodies = dense(space)
  for (const [path, headers] of [
    ['/v1/mutations', [['Authorization', `Bearer ${token}`]]],
    ['/v1/sessions', []],
    [`/v1/spaces/${space}/signals`, [['Authorization', `Bearer ${token}`]]],
  ] as const)
    await Promise.all(
      Object.entries(bodies).map(async ([what, body]) => {
        const http = await HttpPeer.open(api)
        const answer = await http.ask(
          { method: 'POST', path, headers: [...headers, ['Content-Type', 'application/json']], body },
          60_000,
        )
        const problem = answer === undefined ? undefined : problemOfAnswer(answer)
        claim(problem === undefined, `${what} to ${path}: ${problem}`)
        claim(answer === undefined || answer.status >= 400, `${what} to ${path} was taken`)
        http.cut()
      }),
    )
}

async function pipelined({ api, gateways: [gateway] }: Arena): Promise<void> {
  for (const url of [api, gateway]) {
    const { host } = new URL(url)
    const requests = Buffer.concat(
      Array.from({ length: 500 }, () => httpRequest(host, { method: 'GET', path: '/v1/none' })),
    )
    const peers = await Promise.all(Array.from({ length: 4 }, () => strangerTo(url)))
    await Promise.all(peers.map((peer) => peer.send(requests)))
    await Promise.all(
      peers.map((peer) => peer.until('an answer', () => peer.size > 0 || peer.isClosed, SERVED_WITHIN_MS)),
    )
    for (const peer of peers) peer.cut()
  }
}

export const smallParts: readonly Attack[] = [
  {
    name: 'messages of a mebibyte of line ends, before and after hello',
    strike: beforeAndAfterHello('\n'.repeat(MEBIBYTE), 30),
  },
  { name: 'messages of a mebibyte of {}, a line each', strike: beforeAndAfterHello('{}\n'.repeat(MEBIBYTE / 3), 30) },
  {
    name: 'messages of a mebibyte of blanks and of nothing known',
    strike: beforeAndAfterHello(' \t\n{"type":"x"}\n'.repeat(MEBIBYTE / 17), 30),
  },
  { name: 'empty messages, control pings and pongs, 20,000 at a time', strike: controlFrames },
  { name: 'fragments and chunks of one byte', strike: fragments },
  { name: 'bodies of four mebibytes of the smallest values', strike: denseBodies },
  { name: 'requests in one go, 500 on each of four connections', strike: pipelined },
]
