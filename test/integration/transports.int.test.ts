/**
 * The client library on real parts: WebSocket and fetch of the platform, a proxy that breaks what it can, gateways and
 * an api that are killed. Whatever is left serves, from one position.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { browserEnvironment, createClient, createSession, type RhizomClient } from '@rhizom/client'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { apply, freshId, type Session, signIn, utterance } from '../wire/api-caller.ts'
import { FrontProxy } from './front-proxy.ts'

// A way that is mute is given up after ten seconds, and several may have to be.
vi.setConfig({ testTimeout: 120_000 })
const PACE_MS = 20

let cluster: Cluster
let proxy: FrontProxy
let ada: Session
let space: string
let client: RhizomClient
let said = 0

beforeAll(async () => {
  cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: provided('TEST_REDIS_URL'),
    apis: 1,
    gateways: 2,
    env: { gateway: { HEARTBEAT_MS: '1000', PRESENCE_GRACE_MS: '500', MAX_CONNECTIONS_PER_ADDRESS: '1000' } },
  })
})
afterAll(() => cluster?.stop())

const api = (): string => cluster.apis[0]?.url ?? ''

beforeEach(async () => {
  for (const node of [...cluster.apis, ...cluster.gateways]) if (!node.isRunning) await node.start()
  proxy = await FrontProxy.listen(
    api(),
    cluster.gateways.map(({ url }) => url),
  )
  ada = await signIn(api(), 'Ada')
  space = freshId('transport')
  await apply(api(), ada.token, { space, name: 'space.create', args: { name: 'A space' } })
  said = 0
})
afterEach(() => {
  client?.close()
  proxy?.close()
})

/** A client behind the proxy, which probes for something better as soon as it may. */
async function connected(): Promise<void> {
  const environment = { ...browserEnvironment(), random: () => 0 }
  const session = await createSession({ environment, apiUrl: proxy.url }, { name: 'Bob' })
  if (!session.ok) throw new Error(session.problem.message)
  client = createClient({ session: session.value, baseUrl: proxy.url, environment })
  client.watchSpace(space)
  client.connect()
}

const say = async (count = 1): Promise<void> => {
  for (let i = 0; i < count; i++) await apply(api(), ada.token, utterance(space, `words ${said++}`))
}
/** Meanwhile there is always something new, at a pace that leaves the machine to those who are tested. */
async function whileWriting(what: () => Promise<unknown>): Promise<void> {
  let isDone = false
  const writer = (async () => {
    while (!isDone) {
      await say()
      await sleep(PACE_MS)
    }
  })()
  await what().finally(() => (isDone = true))
  await writer
}
const words = (): string[] =>
  (client.readSpace(space).content?.intentions ?? []).map(({ content }) => content.map(String).join(''))
const isLevel = (): boolean => words().join() === Array.from({ length: said }, (_, i) => `words ${i}`).join()

const reaches = (what: string, isSo: () => boolean): Promise<unknown> => eventually(what, isSo, 60_000)
const transport = (): string => {
  const status = client.syncStatus()
  return status.status === 'live' ? status.transport : status.status
}

/** Of a space that is not watched: what is said there, and that it was read. */
async function newsArrive(): Promise<void> {
  const other = freshId('elsewhere')
  const being = client.session().being.id
  const create = { space: other, name: 'space.create', args: { name: 'Another' } }
  await apply(api(), ada.token, create, { space: other, name: 'member.put', args: { being, role: 'member' } })
  const stop = client.onNews(() => undefined)
  const unread = (): number | undefined => client.news().spaces.get(other)?.unread
  for (const count of [1, 2]) {
    await apply(api(), ada.token, utterance(other, 'hello'))
    await reaches(`${count} unread`, () => unread() === count)
  }
  client.markRead(other, client.news().spaces.get(other)?.version ?? 0)
  await reaches('nothing unread', () => unread() === 0)
  stop()
}

test('C81 C276 where sockets are refused, server-sent events carry everything, news too, and sockets take over when they may', async () => {
  proxy.modes.sockets = 'refuse'
  await connected()
  await reaches('live by server-sent events', () => transport() === 'sse')
  await say(5)
  await reaches('level', isLevel)
  await newsArrive()
  expect(transport()).toBe('sse')
  proxy.modes.sockets = 'pass'
  const seen = new Set<string>()
  client.onSyncStatus(() => seen.add(client.syncStatus().status))
  await whileWriting(() => reaches('live by a socket', () => transport() === 'websocket'))
  await reaches('level', isLevel)
  expect([...seen]).toEqual(['live'])
})

test('C81 a socket that opens and stays mute counts as none', async () => {
  proxy.modes.sockets = 'mute'
  await connected()
  await reaches('live by server-sent events', () => transport() === 'sse')
  await say(3)
  await reaches('level', isLevel)
  expect(client.syncStatus()).toMatchObject({ status: 'live', transport: 'sse' })
})

test('C81 where answers are held back as well the api is polled, and who is here can be seen', async () => {
  proxy.modes.sockets = 'refuse'
  proxy.modes.answers = 'hold'
  await connected()
  await reaches('polling', () => transport() === 'polling')
  await say(3)
  await reaches('level', isLevel)
  const outcome = await client.mutate('intention.create', space, {
    id: crypto.randomUUID(),
    type: 'utterance',
    content: ['by the api'],
  })
  expect(outcome).toMatchObject({ status: 'applied' })
  expect(client.readSpace(space).presence).toMatchObject({ hereCount: 0 })
})

test('C81 with all gateways dead the api is polled from the same position, and gateways that are back take over', async () => {
  await connected()
  await reaches('live by a socket', () => transport() === 'websocket')
  await say(3)
  await reaches('level', isLevel)
  const before = client.readSpace(space).content
  await Promise.all(cluster.gateways.map((node) => node.kill()))
  await say(3)
  await reaches('polling', () => transport() === 'polling')
  await reaches('level', isLevel)
  expect(proxy.asked).not.toContain(`GET /v1/spaces/${encodeURIComponent(space)}`)
  expect(client.readSpace(space).content?.intentions[0]).toBe(before?.intentions[0])
  await Promise.all(cluster.gateways.map((node) => node.start()))
  await say(3)
  await reaches('live by a socket', () => transport() === 'websocket')
  await say(3)
  await reaches('level', isLevel)
})

test('C83 with everything dead what was there stays, marked, and all is made up when something is back', async () => {
  await connected()
  await say(3)
  await reaches('level', isLevel)
  await Promise.all([...cluster.gateways, ...cluster.apis].map((node) => node.kill()))
  await reaches('down', () => !['live', 'polling'].includes(client.syncStatus().status))
  expect(words()).toHaveLength(3)
  await Promise.all([...cluster.gateways, ...cluster.apis].map((node) => node.start()))
  await say(3)
  await reaches('level', isLevel)
  await reaches('live by a socket', () => transport() === 'websocket')
})

test('C85 all gateways are restarted one after another under steady writes, and the client is live throughout', async () => {
  await connected()
  await say()
  await reaches('level', isLevel)
  const seen = new Set<string>()
  client.onSyncStatus(() => seen.add(client.syncStatus().status))
  await whileWriting(async () => {
    for (const node of cluster.gateways) {
      await node.stop()
      await node.start()
    }
  })
  await reaches('level', isLevel)
  expect([...seen].filter((status) => status !== 'live')).toEqual([])
})
