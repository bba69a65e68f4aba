/** A whole gateway whose connection to Redis is cut and comes back. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { targetOf, TcpProxy } from '@rhizom/kit/tcp-proxy.ts'
import { afterEach, expect, test } from 'vitest'
import { utterance } from '../testing/log-server.ts'
import { redisUrl, TestGateway } from '../testing/test-gateway.ts'

let gateway: TestGateway
let proxy: TcpProxy
afterEach(async () => {
  await gateway.stop()
  await proxy.close()
})

const start = async (redis: 'there' | 'away' = 'there'): Promise<void> => {
  proxy = await TcpProxy.listen('redis', targetOf(redisUrl()))
  if (redis === 'away') proxy.cut()
  gateway = await TestGateway.start({
    REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    HEADS_POLL_MS: '50',
    HEADS_CHECK_MS: '3600000',
    JOIN_TIMEOUT_MS: '200',
    REDIS_TIMEOUT_MS: '500',
  })
}
const isUp = async (): Promise<boolean> => (await gateway.metric('redis_up')) === 1

test('G41 changes arrive while Redis is away, none twice and none missing when it is back', async () => {
  await start()
  const space = gateway.server.space()
  const client = await gateway.client()
  await client.subscribed(space.id)
  await eventually('Redis is up', isUp)
  await gateway.publish(space.id, space.commit(utterance(space.id, '1')))
  expect(await client.next('changes')).toMatchObject({ from: 0, to: 1 })
  proxy.cut()
  space.commit(utterance(space.id, '2'))
  expect(await client.next('changes')).toMatchObject({ from: 1, to: 2 })
  const late = gateway.server.space()
  late.commit(utterance(late.id, '1'))
  expect(await client.subscribed(late.id)).toMatchObject({ version: 1 })
  late.commit(utterance(late.id, '2'))
  expect(await client.next('changes')).toMatchObject({ space: late.id, from: 1, to: 2 })
  proxy.heal()
  await eventually('Redis is back', isUp)
  for (const [one, version] of [
    [space, 3],
    [late, 3],
  ] as const) {
    await gateway.publish(one.id, one.commit(utterance(one.id, '3')))
    expect(await client.next('changes')).toMatchObject({ space: one.id, from: version - 1, to: version })
  }
})

test('G43 what was committed between the cut and the return is found by one check', async () => {
  await start()
  const space = gateway.server.space()
  const client = await gateway.client()
  await client.subscribed(space.id)
  await eventually('Redis is up', isUp)
  gateway.server.isAway = true
  proxy.cut()
  await eventually('it is noticed', async () => !(await isUp()))
  space.commit(utterance(space.id, 'unseen'))
  proxy.heal()
  await eventually('Redis is back', isUp)
  gateway.server.isAway = false
  expect(await client.next('changes')).toMatchObject({ from: 0, to: 1 })
})

test('G41 a gateway that starts without Redis serves from the log, and joins later', async () => {
  await start('away')
  const space = gateway.server.space()
  const client = await gateway.client()
  await client.subscribed(space.id)
  space.commit(utterance(space.id, '1'))
  expect(await client.next('changes')).toMatchObject({ from: 0, to: 1 })
  expect((await fetch(`${gateway.internalUrl}/readyz`)).status).toBe(503)
  expect((await fetch(`${gateway.internalUrl}/readyz?exclude=redis`)).status).toBe(200)
  proxy.heal()
  await eventually('Redis is there', isUp)
  await gateway.publish(space.id, space.commit(utterance(space.id, '2')))
  expect(await client.next('changes')).toMatchObject({ from: 1, to: 2 })
})
