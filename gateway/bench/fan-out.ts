/**
 * What fan-out costs: our loop over sockets against uWebSockets' topic publish, each with every frame on its own and
 * with frames of 8 ms together. Prints processor time of the sending process and the latency at the reading one.
 *
 *   node gateway/bench/fan-out.ts [watchers] [changes per second]
 */
import { type ChildProcess, fork } from 'node:child_process'
import uws, { type us_listen_socket, type WebSocket as UwsSocket } from 'uWebSockets.js'
import { WebSocket } from 'ws'
import { systemClock } from '@rhizom/machine'
import { FanOut, joinFrames } from '../src/space/fan-out.ts'

const SECONDS = 4
const WINDOW_MS = 8
const encoder = new TextEncoder()

type Report = { type: 'open' } | { type: 'done'; frames: number; p50: number; p99: number }

/** The reading side, in a process of its own so that its work is not counted. */
async function readAll(url: string, watchers: number): Promise<void> {
  const latencies: number[] = []
  let frames = 0
  const opened = Array.from({ length: watchers }, (_, index) => {
    const socket = new WebSocket(url)
    socket.on('message', (data: Buffer) => {
      const now = Date.now()
      for (const line of data.toString().split('\n')) {
        frames++
        if (index < 20) latencies.push(now - Number(line.slice(6, 19)))
      }
    })
    return new Promise((resolve) => socket.once('open', resolve))
  })
  await Promise.all(opened)
  process.send?.({ type: 'open' } satisfies Report)
  process.once('message', () => {
    const sorted = latencies.toSorted((a, b) => a - b)
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
    process.send?.({ type: 'done', frames, p50: at(0.5), p99: at(0.99) } satisfies Report)
    process.disconnect()
    process.exit(0)
  })
}

const heard = <Type extends Report['type']>(
  child: ChildProcess,
  type: Type,
): Promise<Extract<Report, { type: Type }>> =>
  new Promise((resolve) => {
    child.on('message', (report: Extract<Report, { type: Type }>) => {
      if (report.type === type) resolve(report)
    })
  })

interface Mode {
  name: string
  carrier: 'loop' | 'publish'
  windowMs: number
}

const modes: readonly Mode[] = [
  { name: 'topic publish, each frame on its own', carrier: 'publish', windowMs: 0 },
  { name: 'own loop, each frame on its own', carrier: 'loop', windowMs: 0 },
  { name: 'topic publish, batched', carrier: 'publish', windowMs: WINDOW_MS },
  { name: 'own loop, batched', carrier: 'loop', windowMs: WINDOW_MS },
]

async function measure(mode: Mode, watchers: number, perSecond: number): Promise<{ cpuMs: number; line: string }> {
  const members: UwsSocket<undefined>[] = []
  const app = uws.App().ws<undefined>('/*', {
    maxBackpressure: 64 * 1024 * 1024,
    open: (ws) => {
      members.push(ws)
      ws.subscribe('space')
    },
  })
  const listening = await new Promise<us_listen_socket | false>((resolve) => app.listen('127.0.0.1', 0, 1, resolve))
  if (listening === false) throw new Error('no port')
  const port = uws.us_socket_local_port(listening)
  const child = fork(import.meta.filename, ['reader', `ws://127.0.0.1:${port}/`, String(watchers)])
  await heard(child, 'open')

  const send = (batch: Uint8Array): void => {
    if (mode.carrier === 'publish') app.publish('space', batch, false)
    else for (const ws of members) ws.send(batch, false)
  }
  const fanOut = new FanOut(systemClock, { windowMs: mode.windowMs, maxBatchBytes: 1 << 20 })
  fanOut.join({ id: 1, live: send })
  const push = (frame: Uint8Array): void => (mode.windowMs === 0 ? send(joinFrames([frame])) : fanOut.push(frame))

  const total = perSecond * SECONDS
  const before = process.cpuUsage()
  const began = Date.now()
  let sent = 0
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((Date.now() - began) * perSecond) / 1000))
      for (; sent < due; sent++) push(encoder.encode(`{"at":${Date.now()},"change":"${'x'.repeat(400)}"}`))
      if (sent < total) return
      clearInterval(timer)
      setTimeout(resolve, 200)
    }, 1)
  })
  const { user, system } = process.cpuUsage(before)
  const cpuMs = (user + system) / 1000
  const done = heard(child, 'done')
  child.send('report')
  const { frames, p50, p99 } = await done
  app.close()
  const line = `${mode.name.padEnd(38)} ${cpuMs.toFixed(0).padStart(6)} ms cpu   p50 ${p50} ms   p99 ${p99} ms   ${frames} frames`
  return { cpuMs, line }
}

const [first, second, third] = process.argv.slice(2)
if (first === 'reader') await readAll(second ?? '', Number(third))
else {
  const watchers = Number(first ?? 300)
  const perSecond = Number(second ?? 300)
  const out = (text: string): boolean => process.stdout.write(`${text}\n`)
  out(`${watchers} watchers, ${perSecond} changes a second for ${SECONDS} s`)
  let base = 0
  for (const mode of modes) {
    const { cpuMs, line } = await measure(mode, watchers, perSecond)
    base ||= cpuMs
    out(`${line}   ${(base / cpuMs).toFixed(2)} times as cheap`)
  }
}
