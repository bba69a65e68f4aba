/**
 * The clients of a comparison: a process of its own, pinned by its parent, told what to do over a channel. It opens
 * connections, reads marks, cuts connections off and comes back, and says what it found: counts, delays, and how busy
 * it was, since a measurement of a client that has no time left says nothing of a server.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { DIALECTS, type DialectName, type Memory } from './dialects.ts'
import { Delays, Ear, eachMark } from './marks.ts'

export type CrowdOrder =
  | { order: 'open'; url: string; topic: string; dialect: DialectName; count: number; tokens: string[] }
  | { order: 'measure' }
  | { order: 'cut'; everyMs: number; awayMs: number; forMs: number }
  | { order: 'report' }
  | { order: 'close' }

export interface CrowdReport {
  clients: number
  live: number
  delivered: number
  twice: number
  outOfOrder: number
  bytes: number
  cuts: number
  /** Share of the time since `measure` in which this process was busy. */
  busy: number
  /** Counts by millisecond. */
  delays: number[]
  /** For what was sent while the client was away: from its coming back. */
  delaysAfterReturn: number[]
}

const TOGETHER = 100
const LIVE_WITHIN_MS = 120_000

interface Client {
  socket: WebSocket | undefined
  token: string
  memory: Memory
  ear: Ear
  live: boolean
  backAtMs: number
}

let clients: Client[] = []
let connect: (client: Client) => void = () => undefined
let delays = new Delays()
let delaysAfterReturn = new Delays()
let bytes = 0
let cuts = 0
/** What was sent before belongs to the warming up. */
let measuredFromMs = 0
let since = { at: performance.now(), cpu: process.cpuUsage() }

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + LIVE_WITHIN_MS
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(what)
    await sleep(20)
  }
}

async function open({ url, topic, dialect: name, count, tokens }: Extract<CrowdOrder, { order: 'open' }>) {
  const dialect = DIALECTS[name]
  const address = `${url.replace(/^http/, 'ws')}${dialect.path}`
  connect = (client) => {
    const socket = new WebSocket(address, { perMessageDeflate: false, skipUTF8Validation: true })
    client.socket = socket
    socket.on('open', () => {
      for (const line of dialect.open(topic, client.token, client.memory)) socket.send(line)
    })
    socket.on('message', (message: Buffer) => {
      // What still comes over a connection that was cut reaches nobody.
      if (client.socket !== socket) return
      const { say, live, marks } = dialect.hear(message, topic, client.memory)
      if (say !== undefined) socket.send(say)
      if (live === true) client.live = true
      if (!marks) return
      const nowMs = Date.now()
      bytes += message.length
      eachMark(message, (number, sentAtMs) => {
        if (sentAtMs < measuredFromMs || !client.ear.hear(number)) return
        if (sentAtMs < client.backAtMs) delaysAfterReturn.add(nowMs - client.backAtMs)
        else delays.add(nowMs - sentAtMs)
      })
    })
    // A connection that breaks shows as clients that are not live, and as what they did not get.
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      if (client.socket === socket) client.live = false
    })
  }
  clients = Array.from({ length: count }, (_, i) => ({
    socket: undefined,
    token: tokens[i % Math.max(1, tokens.length)] ?? '',
    memory: {},
    ear: new Ear(),
    live: false,
    backAtMs: 0,
  }))
  for (let at = 0; at < clients.length; at += TOGETHER) {
    const group = clients.slice(at, at + TOGETHER)
    group.forEach(connect)
    await until(
      () => group.every(({ live }) => live),
      `${group.filter(({ live }) => !live).length} of ${group.length} clients do not get in`,
    )
  }
}

function measure(): void {
  delays = new Delays()
  delaysAfterReturn = new Delays()
  bytes = 0
  cuts = 0
  measuredFromMs = Date.now()
  for (const client of clients) client.ear = new Ear()
  since = { at: performance.now(), cpu: process.cpuUsage() }
}

/** Cuts each client off in its own turn, without a word, and brings it back. */
async function cut(everyMs: number, awayMs: number, forMs: number): Promise<void> {
  const startedAt = performance.now()
  const turn = everyMs / Math.max(1, clients.length)
  const returns: Promise<void>[] = []
  for (let n = 0; performance.now() - startedAt < forMs - awayMs; n += 1) {
    await sleep(Math.max(0, startedAt + n * turn - performance.now()))
    const client = clients[n % clients.length]
    if (client?.socket === undefined) continue
    const { socket } = client
    client.socket = undefined
    client.live = false
    socket.terminate()
    cuts += 1
    returns.push(
      sleep(awayMs).then(() => {
        client.backAtMs = Date.now()
        connect(client)
      }),
    )
  }
  await Promise.all(returns)
  await until(() => clients.every(({ live }) => live), 'not all came back')
}

function report(): CrowdReport {
  const { user, system } = process.cpuUsage(since.cpu)
  const sum = (of: (client: Client) => number): number => clients.reduce((all, client) => all + of(client), 0)
  return {
    clients: clients.length,
    live: clients.filter(({ live }) => live).length,
    delivered: sum(({ ear }) => ear.findings.delivered),
    twice: sum(({ ear }) => ear.findings.twice),
    outOfOrder: sum(({ ear }) => ear.findings.outOfOrder),
    bytes,
    cuts,
    busy: (user + system) / 1_000 / Math.max(1, performance.now() - since.at),
    delays: Array.from(delays.counts, (count) => count ?? 0),
    delaysAfterReturn: Array.from(delaysAfterReturn.counts, (count) => count ?? 0),
  }
}

async function obey(order: CrowdOrder): Promise<CrowdReport | undefined> {
  switch (order.order) {
    case 'open':
      await open(order)
      return undefined
    case 'measure':
      measure()
      return undefined
    case 'cut':
      await cut(order.everyMs, order.awayMs, order.forMs)
      return undefined
    case 'report':
      return report()
    case 'close':
      for (const client of clients) {
        const { socket } = client
        client.socket = undefined
        socket?.terminate()
      }
      clients = []
      return undefined
    default:
      return order satisfies never
  }
}

process.on('message', (order: CrowdOrder) => {
  obey(order).then(
    (report) => process.send?.({ done: order.order, report }),
    (error: unknown) => process.send?.({ failed: `${order.order}: ${String(error)}` }),
  )
})
process.on('disconnect', () => process.exit(0))
