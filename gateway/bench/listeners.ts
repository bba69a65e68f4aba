/**
 * Those to whom is delivered, in a process of their own. Most count the bytes that came and no more, so that what is
 * measured is the server; a few look for the marks in them, which say when each change was published.
 */
import { fork } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { z } from 'zod'

const orderSchema = z.object({ port: z.number(), path: z.string(), opening: z.array(z.array(z.string())) })
export type ListenOrder = z.infer<typeof orderSchema>
const reportSchema = z.object({
  bytes: z.number(),
  /** Changes that each of those who look for marks has seen. */
  marks: z.array(z.number()),
  delaysMs: z.array(z.number()),
})
export type ListenReport = z.infer<typeof reportSchema>

export interface Listeners {
  /** Since it was asked last. */
  report(): Promise<ListenReport>
  leave(): void
}

const LOOKING = 20
const OPENING_AT_ONCE = 50
const MARK = /@@(\d+\.\d{3})@@/g
/** Longer than a mark, which may come in two parts. */
const TAIL = 32

/** Comparable between processes of one machine, unlike `performance.now()`, and finer than a date. */
export const preciseMs = (): number => performance.timeOrigin + performance.now()
export const markOf = (ms: number): string => `@@${ms.toFixed(3)}@@`

/** Each says what stands in `opening`; resolves when something was said to all of them that had to say anything. */
export async function gatherListeners(order: ListenOrder, onCore: readonly string[]): Promise<Listeners> {
  const [program = process.execPath, ...rest] = [...onCore, process.execPath]
  const child = fork(import.meta.filename, ['listen'], { execPath: program, execArgv: rest })
  const answer = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      child.once('message', resolve)
      child.once('exit', () => reject(new Error('the listeners ended')))
    })
  const ready = answer()
  child.send(order)
  if ((await ready) !== 'ready') throw new Error('the listeners do not get in')
  return {
    async report() {
      const report = answer()
      child.send('report')
      return reportSchema.parse(await report)
    },
    leave: () => void child.kill('SIGKILL'),
  }
}

const ZERO_MASK = Buffer.alloc(4)
/** A text frame of a client, masked with nothing. */
function frameOf(text: string): Buffer {
  const body = Buffer.from(text)
  const length =
    body.length < 126 ? Buffer.from([0x80 | body.length]) : Buffer.from([0xfe, body.length >> 8, body.length & 255])
  return Buffer.concat([Buffer.from([0x81]), length, ZERO_MASK, body])
}

const open = (port: number, path: string, lines: readonly string[], hear: (data: Buffer) => void): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      )
      socket.once('data', () => {
        if (lines.length === 0) {
          socket.on('data', hear)
          return resolve(socket)
        }
        socket.write(frameOf(lines.join('\n')))
        const greeted = (data: Buffer): void => {
          if (!data.includes('"snapshot"')) return
          socket.off('data', greeted)
          socket.on('data', hear)
          resolve(socket)
        }
        socket.on('data', greeted)
      })
    })
    socket.setNoDelay(true)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed')))
  })

if (process.argv[2] === 'listen') {
  process.once('disconnect', () => process.exit())
  let bytes = 0
  let delaysMs: number[] = []
  let marks: number[] = []
  const looking = (index: number): ((data: Buffer) => void) => {
    let tail = ''
    marks[index] = 0
    return (data) => {
      bytes += data.length
      const nowMs = preciseMs()
      const text = tail + data.toString('latin1')
      let end = 0
      for (const found of text.matchAll(MARK)) {
        end = found.index + found[0].length
        marks[index] = (marks[index] ?? 0) + 1
        delaysMs.push(nowMs - Number(found[1]))
      }
      tail = text.slice(Math.max(end, text.length - TAIL))
    }
  }
  const counting = (data: Buffer): void => {
    bytes += data.length
  }
  process.on('message', (message) => {
    if (message === 'report') {
      process.send?.({ bytes, marks, delaysMs } satisfies ListenReport)
      bytes = 0
      delaysMs = []
      marks = marks.map(() => 0)
      return
    }
    const { port, path, opening } = orderSchema.parse(message)
    const gather = async (): Promise<void> => {
      for (let at = 0; at < opening.length; at += OPENING_AT_ONCE)
        await Promise.all(
          opening.slice(at, at + OPENING_AT_ONCE).map((lines, index) => {
            const number = at + index
            // Spread over those that are sent to first and last.
            const isLooking = number % Math.ceil(opening.length / LOOKING) === 0
            return open(port, path, lines, isLooking ? looking(marks.length) : counting)
          }),
        )
    }
    gather().then(
      () => process.send?.('ready'),
      (error: unknown) => process.send?.(String(error)),
    )
  })
}
