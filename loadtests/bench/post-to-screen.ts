/**
 * How long from pressing send to the other screen: a guest posts, another, connected to another gateway, watches. Runs
 * against whatever `.local/run.json` names (`npm start`), one message at a time, and prints the distribution.
 *
 *   node loadtests/bench/post-to-screen.ts [rounds]
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseServerMessage, postSessionAnswerSchema, type ServerFrame } from '@rhizom/protocol'
import { z } from 'zod'

const rounds = Number(process.argv[2] ?? 300)
const runFile = z.object({ api: z.array(z.string()), gateways: z.array(z.string()) })
const run = runFile.parse(JSON.parse(readFileSync(new URL('../../.local/run.json', import.meta.url), 'utf8')))
const api = run.api[0] ?? ''
const gateway = run.gateways.at(-1) ?? ''

const post = async (path: string, body: unknown, token?: string): Promise<unknown> => {
  const response = await fetch(`${api}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}
const signIn = async (name: string): Promise<z.infer<typeof postSessionAnswerSchema>> =>
  postSessionAnswerSchema.parse(await post('/v1/sessions', { name }))

const writer = await signIn('Bench writer')
const watcher = await signIn('Bench watcher')
const space = `@bench-${Date.now().toString(36)}`
const mutate = (name: string, args: object, id: string = randomUUID()): Promise<unknown> =>
  post('/v1/mutations', { mutations: [{ id, space, name, args }] }, writer.token)
await mutate('space.create', { name: 'Bench' })

const arrivals = new Map<string, number>()
let subscribed = false
const note = (frame: ServerFrame): void => {
  if (frame.type === 'snapshot') subscribed = true
  if (frame.type === 'changes') for (const change of frame.changes) arrivals.set(change.mutation, performance.now())
}
const socket = new WebSocket(`${gateway.replace(/^http/, 'ws')}/v1/sync`)
socket.addEventListener('open', () => {
  socket.send(JSON.stringify({ type: 'hello', protocol: 1, token: watcher.token }))
  socket.send(JSON.stringify({ type: 'subscribe', space }))
})
socket.addEventListener('message', (event) => {
  for (const line of parseServerMessage(String(event.data)))
    if (line.ok && line.value.type !== 'ignored') note(line.value)
})
const until = async (condition: () => boolean): Promise<void> => {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('nothing arrived within 10 s')
    await sleep(1)
  }
}
await until(() => subscribed)

const times: number[] = []
for (let round = 0; round < rounds; round += 1) {
  const id = randomUUID()
  const sentAt = performance.now()
  await mutate('intention.create', { id: randomUUID(), type: 'utterance', content: [`round ${round}`] }, id)
  await until(() => arrivals.has(id))
  times.push((arrivals.get(id) ?? 0) - sentAt)
  // Slower than the writer's rate limit, so that the figure is of the path and not of the limit.
  await sleep(25)
}
socket.close()
times.sort((left, right) => left - right)
const at = (share: number): string =>
  (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1)
process.stdout.write(
  `POST to the other screen, ${rounds} messages: median ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms\n`,
)
