/** News through a whole gateway: asked for by frames and by streams, whatever becomes of Redis and the api. */
import { eventually } from '@rhizom/kit/eventually.ts'
import type { RawClient } from '@rhizom/kit/raw-client.ts'
import { targetOf, TcpProxy } from '@rhizom/kit/tcp-proxy.ts'
import { encodeHeadsMessage, encodeNewsMessage, type News, REDIS, type ServerFrame } from '@rhizom/protocol'
import { afterEach, expect, test } from 'vitest'
import { StreamClient } from './testing/stream-client.ts'
import { redisUrl, TestGateway } from './testing/test-gateway.ts'

let gateway: TestGateway
let proxy: TcpProxy | undefined
afterEach(async () => {
  await gateway.stop()
  await proxy?.close()
  proxy = undefined
})

const SOON = { NEWS_WINDOW_MS: '20' }
const fresh = (): string => `@n${crypto.randomUUID()}`
const isUp = async (): Promise<boolean> => (await gateway.metric('redis_up')) === 1

const isNews = (frame: ServerFrame): frame is Extract<ServerFrame, { type: 'news' }> => frame.type === 'news'
const newsFrames = (frames: readonly ServerFrame[]) => frames.filter(isNews)

/** What a client holds of a space after all it was told. */
const told = ({ frames }: { frames: readonly ServerFrame[] }, space: string): News | null | undefined =>
  newsFrames(frames).findLast(({ spaces }) => space in spaces)?.spaces[space]

function set(being: string, space: string, news: News | undefined): void {
  const spaces = gateway.server.news.get(being) ?? new Map<string, News>()
  gateway.server.news.set(being, spaces)
  if (news === undefined) spaces.delete(space)
  else spaces.set(space, news)
}

const news = (version: number, unread: number): News => ({ version, unread, mentions: 0 })

function announceHead(space: string, version: number): Promise<number> {
  const { epoch } = gateway.server.space(space)
  return gateway.say(REDIS.headsChannel, encodeHeadsMessage({ [space]: { epoch, version } }))
}

const announceNews = (space: string, ...beings: string[]): Promise<number> =>
  gateway.say(REDIS.newsChannel, encodeNewsMessage({ [space]: beings }))

async function follower(being: string): Promise<RawClient> {
  const client = await gateway.client(being)
  client.send({ type: 'follow' })
  await eventually('it is told all', () => newsFrames(client.frames).length > 0)
  return client
}

test('G165 G166 G167 a follower is told all its spaces at once, and then what changes, on each of its connections', async () => {
  gateway = await TestGateway.start(SOON)
  await eventually('Redis is up', isUp)
  const [ada, space, other] = [fresh(), fresh(), fresh()]
  set(ada, space, news(3, 2))
  const [one, two, silent] = [await follower(ada), await follower(ada), await gateway.client(ada)]
  expect(newsFrames(one.frames)).toEqual([{ type: 'news', spaces: { [space]: news(3, 2) }, whole: true }])
  set(ada, space, news(4, 3))
  await eventually('both are told of the head', async () => {
    await announceHead(space, 4)
    return [one, two].every((client) => told(client, space)?.version === 4)
  })
  set(ada, space, news(4, 0))
  set(ada, other, news(1, 1))
  await announceNews(space, ada)
  await announceNews(other, ada)
  await eventually('both are told what was read', () => [one, two].every((client) => told(client, space)?.unread === 0))
  await eventually('and of the new one', () => [one, two].every((client) => told(client, other)?.unread === 1))
  set(ada, other, undefined)
  await announceNews(other, ada)
  await eventually('both lost it', () => [one, two].every((client) => told(client, other) === null))
  expect(newsFrames(silent.frames)).toEqual([])
})

test('G165 before hello it is refused; sent often it is limited like any frame, and costs the api no more', async () => {
  gateway = await TestGateway.start({ NEWS_WINDOW_MS: '60000', FRAMES_PER_SECOND: '20', FRAMES_BURST: '30' })
  const stranger = await gateway.stranger()
  stranger.send({ type: 'follow' })
  await eventually('it is closed', () => stranger.closed !== undefined)
  expect(stranger.closed?.code).toBe(4501)
  const ada = fresh()
  const client = await follower(ada)
  for (let sent = 0; sent < 200 && client.closed === undefined; sent += 1) client.send({ type: 'follow' })
  await eventually('it is cut', () => client.closed !== undefined)
  expect(client.closed?.code).toBe(4504)
  // The first question, one for what was asked while that was under way, and one for all of a window.
  expect(gateway.server.newsAsked.filter(({ all }) => all.includes(ada)).length).toBeLessThanOrEqual(3)
  await eventually('nobody follows', async () => (await gateway.metric('news_followers')) === 0)
})

test('G169 with the api away a follower waits, and is told when it is back', async () => {
  gateway = await TestGateway.start({ ...SOON, RETRY_BASE_MS: '40', RETRY_MAX_MS: '200' })
  gateway.server.isAway = true
  const [ada, space] = [fresh(), fresh()]
  set(ada, space, news(3, 2))
  const client = await gateway.client(ada)
  client.send({ type: 'follow' })
  await eventually('it was asked', () => gateway.server.asked.includes('POST /internal/news'))
  gateway.server.isAway = false
  await eventually('it is told', () => told(client, space)?.unread === 2)
  expect(newsFrames(client.frames)).toHaveLength(1)
})

test('G170 while Redis is away heads of followed spaces are asked for, and everything when it is back', async () => {
  proxy = await TcpProxy.listen('redis', targetOf(redisUrl()))
  gateway = await TestGateway.start({
    ...{ ...SOON, REDIS_URL: `redis://127.0.0.1:${proxy.port}`, HEADS_POLL_MS: '50' },
    NEWS_CHECK_MS: '600000',
  })
  await eventually('Redis is up', isUp)
  const [ada, space] = [fresh(), fresh()]
  const log = gateway.server.space(space)
  set(ada, space, news(0, 0))
  const client = await follower(ada)
  proxy.cut()
  await eventually('Redis is away', async () => !(await isUp()))
  log.version = 1
  set(ada, space, news(1, 1))
  await eventually('it is told without Redis', () => told(client, space)?.unread === 1)
  set(ada, space, news(1, 0))
  proxy.heal()
  await eventually('it is told what was read meanwhile', () => told(client, space)?.unread === 0)
  expect(client.closed).toBeUndefined()
})

test('G174 a stream with follow=1 is told, with or without a space; one without is not', async () => {
  gateway = await TestGateway.start(SOON)
  await eventually('Redis is up', isUp)
  const [ada, space] = [fresh(), fresh()]
  gateway.server.space(space)
  set(ada, space, news(3, 2))
  const streams = await Promise.all(
    [`?follow=1`, `?space=${space}&follow=1`, `?space=${space}`].map((query) =>
      StreamClient.open(gateway.url, query, { being: ada }),
    ),
  )
  const [alone, both, silent] = streams
  try {
    await eventually('both are told', () =>
      [alone, both].every((stream) => stream && told(stream, space)?.unread === 2),
    )
    await eventually('the space as well', () => both?.frames.some(({ type }) => type === 'snapshot'))
    await eventually('the last one is open', () => silent?.frames.some(({ type }) => type === 'snapshot'))
    expect(newsFrames(silent?.frames ?? [])).toEqual([])
  } finally {
    for (const stream of streams) stream.close()
  }
})
