/**
 * The companion of a load test: clients of other kinds than k6 has, in a process of their own, told over this machine's
 * own address whom to be (`POST /watch`) and asked at the end what they found (`POST /finish`). Started by run.ts with
 * a channel to it, and ends with it.
 */
import { createServer, type IncomingMessage } from 'node:http'
import { until } from '@rhizom/infra/local/until.ts'
import { z } from 'zod'
import type { OtherFindings } from '../scenarios/others.ts'
import { Follower } from './clients.ts'

const watchSchema = z.object({
  clients: z.array(
    z.object({
      kind: z.enum(['sse', 'polling', 'slow']),
      gateway: z.string(),
      api: z.string(),
      token: z.string(),
      space: z.string(),
      begins: z.object({ epoch: z.string(), version: z.number() }),
    }),
  ),
})
const finishSchema = z.object({ logs: z.record(z.string(), z.array(z.number())), withinMs: z.number() })

const followers: Follower[] = []

async function finish({ logs, withinMs }: z.infer<typeof finishSchema>): Promise<OtherFindings> {
  for (const follower of followers) follower.readAgain()
  const logOf = ({ client }: Follower): number[] => logs[client.space] ?? []
  const isLevel = (one: Follower): boolean => one.version >= one.client.begins.version + logOf(one).length
  await until(() => followers.every(isLevel), { withinMs })
  for (const follower of followers) follower.stop()
  const sum = (of: (follower: Follower) => number): number => followers.reduce((all, one) => all + of(one), 0)
  const delaysOf = (kind: string): number[] =>
    followers.flatMap(({ client, delays }) => (client.kind === kind ? delays : []))
  return {
    checked: followers.length,
    owed: sum((one) => logOf(one).length),
    seen: sum(({ seen }) => seen),
    bySnapshot: sum(({ told }) => told.bySnapshot),
    lost: sum((one) => one.told.lost(logOf(one))),
    disorders: sum(({ disorders }) => disorders),
    duplicates: sum(({ duplicates }) => duplicates),
    notUnderstood: sum(({ notUnderstood }) => notUnderstood),
    reconnects: sum(({ reconnects }) => reconnects),
    slowClosed: sum(({ closedUnread }) => closedUnread),
    delays: { sse: delaysOf('sse'), polling: delaysOf('polling') },
  }
}

async function answerTo(url: string | undefined, text: string): Promise<object> {
  const body: unknown = JSON.parse(text)
  if (url === '/finish') return finish(finishSchema.parse(body))
  for (const client of watchSchema.parse(body).clients) followers.push(new Follower(client))
  return {}
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) if (chunk instanceof Buffer) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const server = createServer((request, response) => {
  textOf(request)
    .then((text) => answerTo(request.url, text))
    .then(
      (answer) => response.end(JSON.stringify(answer)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.send?.(`http://127.0.0.1:${address.port}`)
})
process.on('disconnect', () => process.exit(0))
