import type { News } from '@rhizom/protocol'
import { expect, test, vi } from 'vitest'
import { aClient } from '../testing/a-client.ts'
import { problem } from '../testing/scripted-server.ts'
import { SpaceLog } from '../testing/space-log.ts'

const news = (version: number, unread: number): News => ({ version, unread, mentions: 0 })

async function aFollower() {
  const parts = aClient()
  const { client, server, environment } = parts
  server.news = { '@a': news(5, 3) }
  server.serve(new SpaceLog('@a'))
  const told: number[] = []
  const stop = client.onNews(() => void told.push(client.news().spaces.get('@a')?.unread ?? -1))
  client.connect()
  await environment.settle()
  // What keeps news is loaded by then.
  await vi.waitFor(async () => {
    await environment.settle()
    expect(client.news().status).toBe('known')
  })
  return { ...parts, told, stop }
}

const marks = ({ server }: Awaited<ReturnType<typeof aFollower>>): unknown[] =>
  server.requests.flatMap(({ method, path, body }) => (method === 'PUT' ? [[path, body]] : []))

test('C270 whoever listens is told, from the first answer on and after each reconnect; nobody else costs a frame', async () => {
  const stage = await aFollower()
  const { client, server, environment } = stage
  expect(client.news().spaces.get('@a')).toEqual(news(5, 3))
  server.connection.send({ type: 'news', spaces: { '@a': news(6, 4) } })
  await environment.settle()
  expect(client.news().spaces.get('@a')).toEqual(news(6, 4))
  server.news = { '@b': news(1, 1) }
  server.connection.close(1006)
  await environment.settle()
  expect(client.news().spaces.get('@a')).toEqual(news(6, 4))
  await environment.advance(20_000)
  await environment.settle()
  expect([...client.news().spaces.keys()]).toEqual(['@b'])
  stage.stop()
  const heard = stage.told.length
  server.connection.send({ type: 'news', spaces: { '@b': news(2, 2) } })
  await environment.settle()
  expect(stage.told).toHaveLength(heard)
})

test('C271 a mark shows at once, goes at once, then the furthest once a window, and never back', async () => {
  const stage = await aFollower()
  const { client, server, environment } = stage
  server.route('PUT /v1/spaces/@a/read', (body) => ({
    status: 200,
    body: { version: Reflect.get(Object(body), 'version'), unread: 0, mentions: 0 },
  }))
  for (const version of [5, 6, 7, 6, 9, 8]) client.markRead('@a', version)
  await environment.settle()
  expect(client.news().spaces.get('@a')).toEqual(news(5, 0))
  expect(marks(stage)).toEqual([['/v1/spaces/@a/read', { version: 5 }]])
  await environment.advance(2_000)
  await environment.settle()
  expect(marks(stage)).toEqual([
    ['/v1/spaces/@a/read', { version: 5 }],
    ['/v1/spaces/@a/read', { version: 9 }],
  ])
  client.markRead('@a', 9)
  await environment.advance(10_000)
  expect(marks(stage)).toHaveLength(2)
})

test('C272 a mark that could not be taken is sent again later, one that never can be is not', async () => {
  const stage = await aFollower()
  const { client, server, environment } = stage
  let status = 503
  server.route('PUT /v1/spaces/@a/read', () =>
    status === 200
      ? { status, body: { version: 5, unread: 0, mentions: 0 } }
      : { status, body: problem(status, status === 503 ? 'unavailable' : 'not-found') },
  )
  client.markRead('@a', 5)
  await environment.settle()
  await environment.advance(6_000)
  await environment.settle()
  expect(marks(stage)).toHaveLength(2)
  status = 200
  await environment.advance(6_000)
  await environment.settle()
  await environment.advance(60_000)
  expect(marks(stage)).toHaveLength(3)
  status = 404
  client.markRead('@a', 6)
  await environment.settle()
  await environment.advance(60_000)
  expect(marks(stage)).toHaveLength(4)
})

test('C273 a closed client sends no mark, and leaves no timer of it', async () => {
  const stage = await aFollower()
  const { client, environment } = stage
  client.markRead('@a', 5)
  await environment.settle()
  client.markRead('@a', 6)
  client.close()
  await environment.advance(60_000)
  expect(marks(stage)).toHaveLength(1)
})

test('C276 by polling the api is asked what is new, at once and now and then', async () => {
  const { client, server, environment } = aClient({ transports: ['polling'] })
  let unread = 1
  server.route('GET /v1/sessions/current', () => ({ status: 200, body: { being: { id: '@ada' }, expiresAt: 1 } }))
  server.route('GET /v1/news', () => ({ status: 200, body: { spaces: { '@a': news(1, unread) }, hasMore: false } }))
  client.onNews(() => undefined)
  client.connect()
  const shows = (count: number): Promise<void> =>
    vi.waitFor(async () => {
      await environment.advance(100)
      await environment.settle()
      expect(client.news().spaces.get('@a')?.unread).toBe(count)
    })
  await shows(1)
  unread = 2
  await environment.advance(30_000)
  await shows(2)
  expect(server.requests.filter(({ path }) => path === '/v1/news').length).toBeLessThan(8)
})
