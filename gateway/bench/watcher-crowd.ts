/**
 * Watchers that do nothing, in processes of their own, since both ends of a connection need an open file: each says
 * hello, subscribes and waits for its first heartbeat, after which nothing more is due for a while.
 */
import { fork } from 'node:child_process'
import { z } from 'zod'
import { WebSocket } from 'ws'

const orderSchema = z.object({
  url: z.string(),
  present: z.boolean(),
  watchers: z.array(z.object({ token: z.string(), space: z.string() })),
})
export type CrowdOrder = z.infer<typeof orderSchema>

/** Well below the open files that a process may have, usually 20,000. */
const PER_PROCESS = 8_000
const OPENING_AT_ONCE = 200

export interface WatcherCrowd {
  /** All are answered, and all got a heartbeat. */
  leave(): void
}

export async function gatherCrowd({ watchers, ...order }: CrowdOrder): Promise<WatcherCrowd> {
  const groups = Array.from({ length: Math.ceil(watchers.length / PER_PROCESS) }, (_none, index) =>
    watchers.slice(index * PER_PROCESS, (index + 1) * PER_PROCESS),
  )
  const children = await Promise.all(
    groups.map(async (group) => {
      const child = fork(import.meta.filename, ['crowd'])
      const settled = Promise.withResolvers<void>()
      child.on('message', (message) => {
        if (message === 'settled') settled.resolve()
        else settled.reject(new Error(JSON.stringify(message)))
      })
      child.once('exit', () => settled.reject(new Error('the watchers ended')))
      child.send({ ...order, watchers: group } satisfies CrowdOrder)
      await settled.promise
      return child
    }),
  )
  return { leave: () => children.forEach((child) => child.kill('SIGKILL')) }
}

/** Resolves when it is answered; `beat` is called with the first heartbeat. */
function watch(url: string, token: string, space: string, present: boolean, beat: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/sync`, { perMessageDeflate: false })
  let hasBeaten = false
  socket.on('open', () => {
    const frames = [
      { type: 'hello', protocol: 1, token },
      { type: 'subscribe', space, present },
    ]
    socket.send(frames.map((frame) => JSON.stringify(frame)).join('\n'))
  })
  socket.on('message', (message: Buffer) => {
    const text = message.toString()
    if (/"type":"(snapshot|resumed)"/.test(text)) resolve()
    if (hasBeaten || !text.includes('"type":"heartbeat"')) return
    hasBeaten = true
    beat()
  })
  const lost = (what: string): void => {
    reject(new Error(what))
    if (process.connected) process.send?.(what)
  }
  socket.on('close', (code) => lost(`closed with ${code}`))
  socket.on('error', (error) => lost(String(error)))
  return promise
}

async function settle({ url, present, watchers }: CrowdOrder): Promise<void> {
  let beats = 0
  const beating = Promise.withResolvers<void>()
  const beat = (): void => {
    beats += 1
    if (beats === watchers.length) beating.resolve()
  }
  for (let at = 0; at < watchers.length; at += OPENING_AT_ONCE)
    await Promise.all(
      watchers.slice(at, at + OPENING_AT_ONCE).map(({ token, space }) => watch(url, token, space, present, beat)),
    )
  await beating.promise
}

if (process.argv[2] === 'crowd') {
  process.once('disconnect', () => process.exit())
  process.once('message', (order) => {
    settle(orderSchema.parse(order)).then(
      () => process.send?.('settled'),
      (error: unknown) => process.send?.(String(error)),
    )
  })
}
