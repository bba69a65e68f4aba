/** Beings that are removed while they are connected to a whole gateway, or before. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { targetOf, TcpProxy } from '@rhizom/kit/tcp-proxy.ts'
import { encodeRevokedMessage, encodeSignalMessage, REDIS } from '@rhizom/protocol'
import { afterEach, expect, test } from 'vitest'
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { liveClient, TEST_SECRET, tokenFor } from './testing/test-client.ts'
import { redisUrl, TestGateway } from './testing/test-gateway.ts'

const TELL_EVERY_MS = 500
let gateway: TestGateway
let proxy: TcpProxy | undefined
let telling: NodeJS.Timeout | undefined
afterEach(async () => {
  clearInterval(telling)
  await gateway.stop()
  await proxy?.close()
  proxy = undefined
})

/** All gateways on this Redis hear of them: no other test may use the same. */
const freshBeing = (): string => `@r${crypto.randomUUID()}`
const later = (): number => Date.now() + 3_600_000

/** As the api does: said again and again, since a message is lost on a connection that is being replaced. */
async function tell(...revoked: Parameters<typeof encodeRevokedMessage>): Promise<void> {
  const message = encodeRevokedMessage(...revoked)
  await gateway.say(REDIS.revokedChannel, message)
  telling = setInterval(() => void gateway.say(REDIS.revokedChannel, message), TELL_EVERY_MS)
}
const isUp = async (): Promise<boolean> => (await gateway.metric('redis_up')) === 1

async function startBehindProxy(): Promise<TcpProxy> {
  proxy = await TcpProxy.listen('redis', targetOf(redisUrl()))
  gateway = await TestGateway.start({
    REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    HEADS_POLL_MS: '50',
    HEADS_CHECK_MS: '3600000',
  })
  await eventually('Redis is up', isUp)
  return proxy
}

async function refused(being: string): Promise<void> {
  const client = await gateway.stranger()
  client.send({ type: 'hello', protocol: 1, token: await tokenFor(being) })
  expect(await client.hasClosed()).toEqual({ code: 4501, reason: 'not authenticated' })
  expect(client.frames.map(({ type }) => type)).toEqual(['error'])
}

test('G62 all connections of the being are closed, nobody else’s, and its token is refused', async () => {
  gateway = await TestGateway.start()
  await eventually('Redis is up', isUp)
  const being = freshBeing()
  const space = gateway.server.space()
  const [one, two, other] = [await gateway.client(being), await gateway.client(being), await gateway.client('@bob')]
  for (const client of [one, two, other]) await client.subscribed(space.id)
  await tell({ [being]: later() })
  for (const client of [one, two]) {
    expect(await client.next('error')).toMatchObject({ code: 'not-authenticated', message: 'Who this was is removed' })
    expect(await client.hasClosed()).toEqual({ code: 4501, reason: 'not authenticated' })
  }
  await refused(being)
  expect(await gateway.metric('connections')).toBe(1)
  await gateway.publish(space.id, encodeSignalMessage(space.id, '@cyd', 'typing', {}))
  await other.next('signal')
})

test('G64 a gateway that starts while the api is away lets in who has a token, and puts out who was removed', async () => {
  gateway = await TestGateway.start({ HEADS_POLL_MS: '50' })
  const being = freshBeing()
  gateway.server.isAway = true
  gateway.server.revoked[being] = later()
  // One that starts after the removal, with the same api.
  const late = await TestGateway.start({ HEADS_POLL_MS: '50', API_INTERNAL_URL: gateway.server.url })
  try {
    const [client, other] = [await liveClient(late.url, being), await liveClient(late.url, '@bob')]
    gateway.server.isAway = false
    expect((await client.hasClosed()).code).toBe(4501)
    other.send({ type: 'ping' })
    await other.next('pong')
    other.terminate()
  } finally {
    await late.stop()
  }
})

test('G64 while Redis is away removals are found out by asking', async () => {
  const redis = await startBehindProxy()
  const being = freshBeing()
  const client = await gateway.client(being)
  redis.cut()
  await eventually('it is noticed', async () => !(await isUp()))
  gateway.server.revoked[being] = later()
  expect((await client.hasClosed()).code).toBe(4501)
  await refused(being)
})

test('G64 what was lost while Redis was away is asked for when it is back', async () => {
  const redis = await startBehindProxy()
  const being = freshBeing()
  const client = await gateway.client(being)
  gateway.server.isAway = true
  redis.cut()
  await eventually('it is noticed', async () => !(await isUp()))
  gateway.server.revoked[being] = later()
  redis.heal()
  await eventually('Redis is back', isUp)
  gateway.server.isAway = false
  expect((await client.hasClosed()).code).toBe(4501)
})

test('G135 a session that ended is closed with 4501 and refused, at hello and at refresh; others of the being go on', async () => {
  gateway = await TestGateway.start()
  await eventually('Redis is up', isUp)
  const being = freshBeing()
  const [ended, kept] = [crypto.randomUUID(), crypto.randomUUID()]
  const tokenOf = (sid: string, seconds = 3600) => tokenFor(being, seconds, TEST_SECRET, sid)
  const [one, two] = await Promise.all(
    [ended, kept].map(async (sid) => RawClient.welcomed(gateway.url, await tokenOf(sid))),
  )
  const former = await gateway.client(being)
  await tell({}, { [ended]: later() })
  expect(await one?.next('error')).toMatchObject({ code: 'not-authenticated', message: 'This session was ended' })
  expect(await one?.hasClosed()).toEqual({ code: 4501, reason: 'not authenticated' })
  const again = await gateway.stranger()
  again.send({ type: 'hello', protocol: 1, token: await tokenOf(ended) })
  expect(await again.hasClosed()).toEqual({ code: 4501, reason: 'not authenticated' })
  for (const client of [two, former]) {
    client?.send({ type: 'ping' })
    await client?.next('pong')
  }
  two?.send({ type: 'refresh', token: await tokenOf(ended, 7200) })
  expect(await two?.hasClosed()).toEqual({ code: 4501, reason: 'not authenticated' })
  former.terminate()
})
