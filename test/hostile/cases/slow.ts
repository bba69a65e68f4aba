/**
 * Peers that begin and do not end: heads, bodies and upgrades that stop half-way or come a byte at a time, and silence.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@rhizom/kit/eventually.ts'
import type { Peer } from '@rhizom/kit/peer.ts'
import { strangerTo } from '../bytes/strangers.ts'
import { upgradeHead, wsFrame } from '../bytes/ws-bytes.ts'
import { CLOSED_WITHIN_MS, LOITER_MS } from '../settings.ts'
import type { Arena, Attack } from '../stage.ts'

const HALF_BODIES = 2_000
/** Of each kind. */
const AT_THE_API = 60
const AT_THE_GATEWAY = 25
const DRIP_EVERY_MS = 100
const AT_ONCE = 50

const head = (url: string, path: string, length: number, more: readonly string[] = []): string =>
  [
    `POST ${path} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    'Content-Type: application/json',
    `Content-Length: ${length}`,
    ...more,
    '',
    '',
  ].join('\r\n')

/** Opens many, a few at a time. Those that are refused are no trouble to anybody. */
async function open(url: string, count: number, say: string): Promise<Peer[]> {
  const peers: Peer[] = []
  for (let at = 0; at < count; at += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - at) }, () => strangerTo(url))
    for (const outcome of await Promise.allSettled(some)) if (outcome.status === 'fulfilled') peers.push(outcome.value)
  }
  await Promise.all(peers.map((peer) => peer.send(say)))
  return peers
}

async function halfBodies({ api }: Arena): Promise<void> {
  const peers = await open(api, HALF_BODIES, `${head(api, '/v1/sessions', 20)}{`)
  await sleep(LOITER_MS)
  for (const peer of peers) peer.cut()
}

/** Says a byte of it now and then, for as long as it is listened to. */
function drip(peer: Peer, text: string): void {
  let at = 0
  const timer = setInterval(() => {
    if (peer.isClosed) clearInterval(timer)
    else void peer.send(text[at++ % text.length] ?? '')
  }, DRIP_EVERY_MS)
}

/** Come early and stay for as long as they are let: what they wait for takes a while, in which other attacks go on. */
export class Loiterers {
  readonly #peers = new Map<string, Peer[]>()
  #cameAt = 0

  async come({ api, gateways: [gateway], stranger }: Arena): Promise<void> {
    const { token } = await stranger()
    const body = `${head(api, '/v1/mutations', 100_000, [`Authorization: Bearer ${token}`])}${' '.repeat(100)}`
    const halfFrame = wsFrame('{"type":"hello"', { claimedLength: 5_000 }).toString('latin1')
    const kinds: Record<string, { url: string; say: string; more?: string }> = {
      'silence to the api': { url: api, say: '' },
      'half a head to the api': { url: api, say: 'GET /v1/spaces HTTP/1.1\r\nHost: x\r\nX-A: ' },
      'a head to the api, a byte at a time': { url: api, say: 'GET /v1/spaces HTTP/1.1\r\n', more: 'X-Abc: d\r\n' },
      'half a body to the api': { url: api, say: body },
      'a body to the api, a byte at a time': { url: api, say: body, more: ' ' },
      'silence to the gateway': { url: gateway, say: '' },
      'half an upgrade': { url: gateway, say: upgradeHead(gateway).slice(0, 60) },
      'an upgrade, a byte at a time': { url: gateway, say: 'GET /v1/sync HTTP/1.1\r\n', more: 'X-Abc: d\r\n' },
      'silence after an upgrade': { url: gateway, say: upgradeHead(gateway) },
      'half a frame': { url: gateway, say: `${upgradeHead(gateway)}${halfFrame}` },
    }
    for (const [what, { url, say, more }] of Object.entries(kinds)) {
      const peers = await open(url, url === gateway ? AT_THE_GATEWAY : AT_THE_API, say)
      this.#peers.set(what, peers)
      if (more !== undefined) for (const peer of peers) drip(peer, more)
    }
    this.#cameAt = performance.now()
  }

  async untilClosed({ claim }: Arena): Promise<void> {
    const areGone = (): boolean => [...this.#peers.values()].flat().every(({ isClosed }) => isClosed)
    const leftMs = Math.max(0, this.#cameAt + CLOSED_WITHIN_MS - performance.now())
    await eventually('all are gone', areGone, leftMs).catch(() => undefined)
    for (const [what, peers] of this.#peers) {
      const left = peers.filter(({ isClosed }) => !isClosed).length
      claim(left === 0, `${what}: ${left} of ${peers.length} still stand after ${CLOSED_WITHIN_MS} ms`)
      for (const peer of peers) peer.cut()
    }
  }
}

export const slow: readonly Attack[] = [{ name: '2,000 half-sent bodies', strike: halfBodies }]

export const loiterersCome = (loiterers: Loiterers): Attack => ({
  name: 'silent, half-open and slow connections, heads, bodies and upgrades come',
  strike: (arena) => loiterers.come(arena),
})

export const loiterersAreClosed = (loiterers: Loiterers): Attack => ({
  name: 'each of them is closed in the end',
  strike: (arena) => loiterers.untilClosed(arena),
})
