/**
 * What the gateway relies on of uWebSockets.js, held against the real library: a version that behaves differently fails
 * here and not in production.
 */
import { eventually } from '@rhizom/kit/eventually.ts'
import { randomBytes } from 'node:crypto'
import uws, { type TemplatedApp, type us_listen_socket, type WebSocket as UwsSocket } from 'uWebSockets.js'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

interface Facts {
  ws: UwsSocket<undefined> | undefined
  closed: number
  drains: number
  dropped: number
}

const apps: TemplatedApp[] = []
const clients: WebSocket[] = []

afterEach(() => {
  for (const client of clients.splice(0)) client.terminate()
  for (const app of apps.splice(0)) app.close()
})

async function open(
  maxBackpressure: number,
  idleTimeout = 30,
): Promise<{ facts: Facts; client: WebSocket; port: number }> {
  const facts: Facts = { ws: undefined, closed: 0, drains: 0, dropped: 0 }
  const app = uws.App()
  apps.push(app)
  app.ws<undefined>('/*', {
    maxBackpressure,
    idleTimeout,
    closeOnBackpressureLimit: false,
    open: (ws) => {
      facts.ws = ws
    },
    drain: () => void facts.drains++,
    dropped: () => void facts.dropped++,
    close: () => {
      facts.closed++
      facts.ws = undefined
    },
  })
  const listening = await new Promise<us_listen_socket | false>((resolve) => app.listen('127.0.0.1', 0, 1, resolve))
  if (listening === false) throw new Error('no port')
  const port = uws.us_socket_local_port(listening)
  const client = new WebSocket(`ws://127.0.0.1:${port}/`)
  clients.push(client)
  await eventually('the socket opens', () => facts.ws !== undefined && client.readyState === WebSocket.OPEN)
  return { facts, client, port }
}

/** Sends kilobytes until the outcome is not `sent`; a reader that stands still cannot take them all. */
function fill(ws: UwsSocket<undefined>, message: string): number {
  for (let i = 0; i < 100_000; i++) {
    const outcome = ws.send(message)
    if (outcome !== 1) return outcome
  }
  return 1
}

describe('uWebSockets.js', () => {
  test('G53 send says 1 when sent, 0 when queued, 2 when dropped; a dropped message never arrives, what was queued does', async () => {
    const { facts, client } = await open(64 * 1024)
    const { ws } = facts
    if (ws === undefined) throw new Error('open')
    const got: string[] = []
    client.on('message', (data: Buffer) => void got.push(data.toString().slice(0, 8)))
    expect(ws.send('first')).toBe(1)
    await eventually('the first arrives', () => got.length === 1)
    client.pause()
    const filler = `filler${'x'.repeat(16_000)}`
    expect(fill(ws, filler)).toBe(0)
    let outcome: number = 0
    while (outcome === 0) outcome = ws.send(filler)
    expect(outcome).toBe(2)
    expect(facts.dropped).toBe(1)
    expect(ws.getBufferedAmount()).toBeGreaterThan(64 * 1024)
    const drainsBefore = facts.drains
    client.resume()
    await eventually('it drains', () => facts.drains > drainsBefore && ws.getBufferedAmount() === 0)
    expect(ws.send('last')).toBe(1)
    await eventually('the last arrives', () => got.includes('last'))
    expect(facts.dropped).toBe(1)
  })

  test('G53 a view is sent as its own bytes, not as the buffer behind it', async () => {
    const { facts, client } = await open(64 * 1024)
    const got: string[] = []
    client.on('message', (data: Buffer) => void got.push(data.toString()))
    const whole = new TextEncoder().encode('header\nframe')
    facts.ws?.send(whole.subarray(7), false)
    await eventually('it arrives', () => got.length === 1)
    expect(got).toEqual(['frame'])
  })

  test('G52 one message may go far over the backpressure limit, if it starts below', async () => {
    const { facts, client } = await open(1024)
    const { ws } = facts
    client.pause()
    const large = randomBytes(8 * 1024 * 1024).toString('hex')
    expect(ws?.send(large)).toBe(0)
    expect(ws?.getBufferedAmount()).toBeGreaterThan(1024 * 1024)
    let received = 0
    client.on('message', (data: Buffer) => void (received = data.length))
    client.resume()
    await eventually('all of it arrives', () => received === large.length)
  })

  test('G52 end() forgets the socket at once and delivers what was queued and the close frame to one who reads again', async () => {
    const { facts, client } = await open(1024 * 1024)
    const { ws } = facts
    if (ws === undefined) throw new Error('open')
    let received = 0
    client.on('message', () => void received++)
    const closed = new Promise<number>((resolve) => client.once('close', resolve))
    client.pause()
    const message = 'x'.repeat(64_000)
    let sent = 0
    while (ws.getBufferedAmount() < 500_000) {
      ws.send(message)
      sent++
    }
    ws.end(4002, 'too slow, resume')
    expect(facts.closed).toBe(1)
    expect(() => ws.getBufferedAmount()).toThrow(/closed/)
    client.resume()
    expect(await closed).toBe(4002)
    expect(received).toBe(sent)
  })

  test('G54 a peer that never reads after end() is cut off by itself', async () => {
    const { facts, client } = await open(1024 * 1024, 8)
    const { ws } = facts
    if (ws === undefined) throw new Error('open')
    const closed = new Promise<number>((resolve) => client.once('close', resolve))
    client.pause()
    const message = 'x'.repeat(64_000)
    while (ws.getBufferedAmount() < 500_000) ws.send(message)
    ws.end(4002, 'too slow, resume')
    await eventually('the connection is cut', () => isReset(client), 60_000)
    client.resume()
    expect(await closed).not.toBe(1000)
  })

  test('G54 a peer that answers no ping is cut off, also while it is sent to', async () => {
    const { facts, client } = await open(64 * 1024, 8)
    client.pause()
    await eventually(
      'it is cut off',
      () => {
        facts.ws?.send('x')
        return facts.closed === 1
      },
      20_000,
    )
    expect(facts.ws).toBeUndefined()
  })

  test('G71 a port in use is refused, not shared', async () => {
    const { port } = await open(1024)
    const second = uws.App()
    const listening = await new Promise<us_listen_socket | false>((resolve) =>
      second.listen('127.0.0.1', port, 1, resolve),
    )
    expect(listening).toBe(false)
  })
})

/** Whether the other side has closed the connection under a client that does not read: writing to it fails. */
function isReset(client: WebSocket): boolean {
  if (client.readyState === WebSocket.OPEN) client.ping()
  return client.readyState !== WebSocket.OPEN
}
