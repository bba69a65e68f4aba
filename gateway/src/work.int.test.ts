/** Hints of work through a whole gateway: to those who asked, of the being they concern, whatever became of Redis. */
import { eventually } from '@rhizom/kit/eventually.ts'
import type { RawClient } from '@rhizom/kit/raw-client.ts'
import { targetOf, TcpProxy } from '@rhizom/kit/tcp-proxy.ts'
import { encodeWorkMessage, REDIS } from '@rhizom/protocol'
import { afterEach, expect, test } from 'vitest'
import { redisUrl, TestGateway } from './testing/test-gateway.ts'

let gateway: TestGateway
let proxy: TcpProxy | undefined
afterEach(async () => {
  await gateway.stop()
  await proxy?.close()
  proxy = undefined
})

const freshBeing = (): string => `@w${crypto.randomUUID()}`
const isUp = async (): Promise<boolean> => (await gateway.metric('redis_up')) === 1
const hints = (client: RawClient): number => client.frames.filter(({ type }) => type === 'work').length
const announce = (...beings: string[]): Promise<number> => gateway.say(REDIS.workChannel, encodeWorkMessage(beings))

test('G126 whoever asked hears of work of its being, on each of its connections; others hear nothing', async () => {
  gateway = await TestGateway.start()
  await eventually('Redis is up', isUp)
  const bot = freshBeing()
  const [one, two, silent, other] = [
    await gateway.client(bot),
    await gateway.client(bot),
    await gateway.client(bot),
    await gateway.client(freshBeing()),
  ]
  for (const client of [one, two, other]) client.send({ type: 'work' })
  await eventually('all are answered', () => [one, two, other].every((client) => hints(client) === 1))
  await announce(bot, freshBeing())
  await eventually('both are told', () => hints(one) === 2 && hints(two) === 2)
  expect([hints(silent), hints(other)]).toEqual([0, 1])
})

test('G126 a message that is not understood is counted and harms nobody', async () => {
  gateway = await TestGateway.start()
  await eventually('Redis is up', isUp)
  const bot = freshBeing()
  const client = await gateway.client(bot)
  client.send({ type: 'work' })
  for (const message of ['', '{}', '{"beings":"@a"}', '[]']) await gateway.say(REDIS.workChannel, message)
  await announce(bot)
  await eventually('it is told', () => hints(client) === 2)
  expect(client.closed).toBeUndefined()
})

test('G126 after Redis was away whoever asked is told to ask again', async () => {
  proxy = await TcpProxy.listen('redis', targetOf(redisUrl()))
  gateway = await TestGateway.start({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` })
  await eventually('Redis is up', isUp)
  const client = await gateway.client(freshBeing())
  client.send({ type: 'work' })
  await eventually('it is answered', () => hints(client) === 1)
  proxy.reset()
  await eventually('it is told', () => hints(client) >= 2)
  expect(client.closed).toBeUndefined()
})
