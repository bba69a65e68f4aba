/**
 * A process full of clients for the presence benchmark, told what to do by its parent: open connections, gather in
 * spaces, come and go. Several of them share the crowd, since a process may open only so many sockets.
 */
import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { SESSION_TOKEN } from '@rhizom/protocol'
import { WebSocket } from 'ws'

export type CrowdOrder =
  | { order: 'open'; gateways: string[]; first: number; count: number; secret: string }
  | { order: 'gather'; spaces: string[] }
  | { order: 'churn'; joinsPerSecond: number; outForMs: number; forMs: number }
  | { order: 'close' }

interface Client {
  index: number
  socket: WebSocket
  space: string | undefined
  answers: number
}

/**
 * Opened, or asked for, together; then a short rest, so that a benchmark of Redis does not become one of handshakes.
 */
const TOGETHER = 100
const REST_MS = 100
const TICK_MS = 100

const clients: Client[] = []
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A session as the api would sign it: the benchmark needs thousands and none of their rows. */
function tokenFor(being: string, secret: string): string {
  const { issuer, audience, formerAlgorithm: algorithm } = SESSION_TOKEN
  const exp = Math.floor(Date.now() / 1000) + 7200
  const signed = `${encode({ alg: algorithm, typ: 'JWT' })}.${encode({ sub: being, iss: issuer, aud: audience, exp })}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

async function inGroups<T>(all: readonly T[], each: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += TOGETHER) {
    await Promise.all(all.slice(at, at + TOGETHER).map(each))
    if (at + TOGETHER < all.length) await sleep(REST_MS)
  }
}

function open(index: number, gateways: readonly string[], secret: string): Promise<void> {
  const gateway = gateways[index % gateways.length] ?? ''
  const socket = new WebSocket(`${gateway.replace(/^http/, 'ws')}/v1/sync`, { perMessageDeflate: false })
  const client: Client = { index, socket, space: undefined, answers: 0 }
  clients.push(client)
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', (code) => reject(new Error(`a connection was closed with ${code}`)))
    socket.once('open', () => {
      const token = tokenFor(`@crowd-${index}`, secret)
      socket.send(JSON.stringify({ type: 'hello', protocol: 1, token }))
    })
    socket.on('message', (data: Buffer) => {
      // Most of what arrives is of no interest here, and parsing it would cost more than all the rest.
      if (data.includes('"type":"welcome"')) resolve()
      if (data.includes('"type":"snapshot"')) client.answers += 1
    })
  })
}

async function subscribe(client: Client, space: string): Promise<void> {
  const before = client.answers
  if (client.space !== undefined) client.socket.send(JSON.stringify({ type: 'unsubscribe', space: client.space }))
  client.space = space
  client.socket.send(JSON.stringify({ type: 'subscribe', space }))
  const deadline = Date.now() + 60_000
  while (client.answers === before) {
    if (Date.now() > deadline) throw new Error(`no answer about ${space}`)
    await sleep(20)
  }
}

/** Clients leave in turn, stay away for longer than the grace, and come back: as many joins as leaves. */
async function churn(joinsPerSecond: number, outForMs: number, forMs: number): Promise<void> {
  const perTick = Math.max(1, Math.round((joinsPerSecond * TICK_MS) / 1000))
  const everyMs = (perTick * 1000) / joinsPerSecond
  const out: { client: Client; at: number }[] = []
  const started = performance.now()
  let next = 0
  for (let turn = 1; performance.now() - started < forMs; turn += 1) {
    for (let count = 0; count < perTick; count += 1) {
      const client = clients[next++ % clients.length]
      if (client?.space === undefined) continue
      client.socket.send(JSON.stringify({ type: 'unsubscribe', space: client.space }))
      out.push({ client, at: performance.now() })
    }
    while (out[0] !== undefined && performance.now() - out[0].at > outForMs) comeBack(out.shift()?.client)
    await sleep(Math.max(0, started + turn * everyMs - performance.now()))
  }
  for (const { client } of out) comeBack(client)
}

function comeBack(client: Client | undefined): void {
  if (client?.space !== undefined) client.socket.send(JSON.stringify({ type: 'subscribe', space: client.space }))
}

async function obey(order: CrowdOrder): Promise<void> {
  switch (order.order) {
    case 'open': {
      const indexes = Array.from({ length: order.count }, (_, offset) => order.first + offset)
      return inGroups(indexes, (index) => open(index, order.gateways, order.secret))
    }
    case 'gather':
      // Neighbours in number are on different gateways, so a space gets clients of both.
      return inGroups(clients, (client) => {
        const space = order.spaces[Math.floor(client.index / 2) % order.spaces.length]
        return space === undefined ? Promise.resolve() : subscribe(client, space)
      })
    case 'churn':
      return churn(order.joinsPerSecond, order.outForMs, order.forMs)
    case 'close':
      for (const { socket } of clients) socket.removeAllListeners('close').terminate()
      clients.length = 0
      return undefined
    default:
      return order satisfies never
  }
}

process.on('message', (order: CrowdOrder) => {
  obey(order).then(
    () => process.send?.({ done: order.order }),
    (error: unknown) => process.send?.({ failed: `${order.order}: ${String(error)}` }),
  )
})
process.on('disconnect', () => process.exit(0))
