/** What somebody who reaches Redis, and has none of our keys, can do to a whole gateway: nothing that is believed. */
import { eventually } from '@rhizom/kit/eventually.ts'
import { BusSeal } from '@rhizom/process'
import {
  encodeChangesMessage,
  encodeGatewayBeat,
  encodeHeadsMessage,
  encodeRevokedMessage,
  encodeSignalMessage,
  encodeWorkMessage,
  presenceField,
  REDIS,
} from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { TEST_INSTALLATION, TEST_INTERNAL_TOKEN, utterance } from './testing/log-server.ts'
import { redisUrl, sealForTests, TestGateway } from './testing/test-gateway.ts'

let gateway: TestGateway
afterEach(() => gateway.stop())

const freshBeing = (): string => `@f${crypto.randomUUID()}`
const later = (): number => Date.now() + 3_600_000

/** Somebody with another key, or of another installation with the same. */
function sealOfOthers(secret: string, installation: string): BusSeal {
  const seal = new BusSeal({ secrets: [secret], prefix: 'rhizom:', opened: () => undefined })
  seal.installationLearned(installation)
  return seal
}

const strangers: readonly [string, (channel: string, message: Uint8Array | string) => Buffer | undefined][] = [
  ['unsigned', (_channel, message) => Buffer.from(message)],
  [
    'signed with another key',
    (channel, message) => sealOfOthers(crypto.randomUUID(), TEST_INSTALLATION).seal(channel, message),
  ],
  [
    'of another installation',
    (channel, message) => sealOfOthers(TEST_INTERNAL_TOKEN, crypto.randomUUID()).seal(channel, message),
  ],
  ['signed for another channel', (_channel, message) => sealForTests().seal(REDIS.spaceChannel('@elsewhere'), message)],
]

test.each(strangers)('G157 a message that is %s reaches nobody, is counted, and is said once', async (_name, seal) => {
  gateway = await TestGateway.start()
  await eventually('Redis is up', async () => (await gateway.metric('redis_up')) === 1)
  const space = gateway.server.space()
  const being = freshBeing()
  const client = await gateway.client(being)
  await client.subscribed(space.id)
  client.send({ type: 'work' })
  await client.next('work')
  const reads = gateway.server.reads(space.id).length
  const forged = async (channel: string, message: Uint8Array | string): Promise<void> => {
    await gateway.publisher.publish(channel, seal(channel, message) ?? '')
  }
  const lie = { ...utterance(space.id, 'a lie'), version: 1, at: 1, actor: '@eve', mutation: crypto.randomUUID() }
  const before = await gateway.metric('bus_opened_total{outcome="forged"}')
  // A change's body is whatever the one who lies says it is.
  const changes = encodeChangesMessage(space.id, space.epoch, 0, [lie as never])
  await forged(REDIS.spaceChannel(space.id), changes)
  await forged(REDIS.spaceChannel(space.id), encodeSignalMessage(space.id, '@eve', 'typing', {}))
  await forged(REDIS.headsChannel, encodeHeadsMessage({ [space.id]: { epoch: space.epoch, version: 9 } }))
  await forged(REDIS.revokedChannel, encodeRevokedMessage({ [being]: later() }))
  await forged(REDIS.workChannel, encodeWorkMessage([being]))
  await forged(REDIS.gatewaysChannel, encodeGatewayBeat({ bootId: 'eve', wrote: { [space.id]: 1 }, stops: false }))
  await eventually(
    'they are counted',
    async () => (await gateway.metric('bus_opened_total{outcome="forged"}')) >= before + 6,
  )
  await gateway.publish(space.id, space.commit(utterance(space.id, 'the truth')))
  expect(await client.next('changes')).toMatchObject({ from: 0, to: 1, changes: [{ actor: '@ada' }] })
  expect(client.frames.filter(({ type }) => type === 'signal' || type === 'work')).toHaveLength(1)
  expect(client.closed).toBeUndefined()
  expect(gateway.server.reads(space.id)).toHaveLength(reads)
  const said = gateway.log.lines.filter(({ message }) => message.includes('none of ours signed'))
  expect(said.map(({ level }) => level)).toEqual(['warn'])
})

test('G158 nobody is here by what none of ours wrote, and what nobody can vouch for is removed', async () => {
  gateway = await TestGateway.start()
  const space = gateway.server.space()
  const key = REDIS.here(space.id)
  const redis = new Redis(redisUrl())
  const [alive, dead] = [crypto.randomUUID(), crypto.randomUUID()]
  try {
    const entry = JSON.stringify({ state: {}, since: 5 })
    await redis.set(REDIS.gatewayLease(alive), JSON.stringify({ formerly: [] }), 'PX', 60_000)
    await redis.hset(key, { [presenceField(alive, '@eve')]: entry, [presenceField(dead, '@ghost')]: entry })
    const client = await gateway.client('@ada')
    expect(await client.subscribed(space.id)).toMatchObject({ here: [{ being: '@ada' }], hereCount: 1 })
    const isLeft = async (): Promise<boolean> => !(await redis.hkeys(key)).includes(presenceField(dead, '@ghost'))
    await eventually('what a gateway without a lease left is removed', isLeft)
    // Another installation may have the same names: what its gateways hold is theirs.
    expect(await redis.hkeys(key)).toContain(presenceField(alive, '@eve'))
  } finally {
    await redis.del(REDIS.gatewayLease(alive), key)
    redis.disconnect()
  }
})
