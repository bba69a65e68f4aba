/**
 * What somebody else says on the Redis of this installation: garbled messages on every channel. True ones must go on
 * arriving. Well-formed lies, a right header over whatever body, are another matter.
 */
import { type Snapshot, REDIS } from '@rhizom/protocol'
import { withRedis } from '../../faults/stores.ts'
import { call } from '../../wire/api-caller.ts'
import type { Arena, Attack } from '../stage.ts'

const STRAY_EPOCH = '01890000-0000-7000-8000-000000000000'
const MEBIBYTE = 1024 * 1024

function garbled(space: string, epoch: string): (string | Buffer)[] {
  const frame = (changes: string): string =>
    `{"type":"changes","space":"${space}","epoch":"${STRAY_EPOCH}","from":1,"to":2,"changes":${changes}}`
  return [
    '',
    '\n',
    '\n\n\n',
    '\0',
    'rhizom1',
    'rhizom1\n',
    'rhizom1 \n{}',
    'rhizom0 changes\n{}',
    'rhizom2 changes a 1 2 -\n{}',
    'rhizom999999999999999999 changes\n{}',
    'rhizom1 dance a b c\n{"type":"dance"}',
    'rhizom1 constructor a b c\n{}',
    'rhizom1 __proto__ a b c\n{}',
    'rhizom1 changes\n{}',
    `rhizom1 changes ${STRAY_EPOCH}\n{}`,
    `rhizom1 changes ${STRAY_EPOCH} 2 1 -\n${frame('[]')}`,
    `rhizom1 changes ${STRAY_EPOCH} -1 2 -\n${frame('[]')}`,
    `rhizom1 changes ${STRAY_EPOCH} 1 1e9 -\n${frame('[]')}`,
    `rhizom1 changes ${STRAY_EPOCH} 1 999999999999999 -\n${frame('[]')}`,
    `rhizom1 changes ${STRAY_EPOCH} 1 2 access\n${frame('[')}`,
    `rhizom1 changes ${STRAY_EPOCH} 1 2 access\n${frame('[{}]')}`,
    `rhizom1 changes ${STRAY_EPOCH} 1 2 access\n${frame('{"__proto__":[]}')}`,
    `rhizom1 changes ${STRAY_EPOCH} 1 2 access\n\0\u0001\u0002`,
    `rhizom1 changes ${epoch} 900000000000000 900000000000001 -\nnot a frame`,
    `rhizom1 changes ${epoch} 900000000000000 900000000000001 access\nnot a frame`,
    `rhizom1 changes ${'x'.repeat(300)} 1 2 -\n{}`,
    `rhizom1 ${'x '.repeat(500_000)}\n{}`,
    'x'.repeat(2 * MEBIBYTE),
    'rhizom1 signal\n{}',
    'rhizom1 presence\n{}',
    'rhizom1 presence boot 1 2\n',
    'rhizom1 presence boot 1 2\n{"put":1,"left":2}',
    'rhizom1 presence boot 0 1\n{"put":{"NOT":{"state":{},"since":1}},"left":{}}',
    'rhizom1 presence boot 0 1\n{"put":{"__proto__":{"state":{},"since":1}},"left":{"constructor":1}}',
    `rhizom1 presence ${'b'.repeat(65)} 0 1\n{"put":{},"left":{}}`,
    `rhizom1 presence boot 0 1\n{"put":{"@a":{"state":{"a":"${'x'.repeat(MEBIBYTE)}"},"since":1}},"left":{}}`,
    Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0xff]),
    Buffer.from([0x72, 0x68, 0x69, 0x7a, 0x6f, 0x6d, 0x31, 0x20, 0xff, 0x0a, 0xff]),
    Buffer.alloc(64 * 1024, 0xff),
  ]
}

const common: readonly (string | Buffer)[] = [
  '',
  '{',
  'null',
  '[]',
  '"@a"',
  '{"@a":"x"}',
  '{"NOT AN ID":{"epoch":1}}',
  `{"@a":{"epoch":"${STRAY_EPOCH}","version":1e308}}`,
  '{"__proto__":{"@a":1},"constructor":1}',
  '{"beings":null}',
  '{"beings":{"NOT":1}}',
  '{"beings":{"@a":"soon"}}',
  `{"beings":{${Array.from({ length: 5_000 }, (_, at) => `"@NOT-${at}":1`).join()}}}`,
  '{"bootId":"","wrote":{}}',
  '{"bootId":"b","wrote":{"@a":-1}}',
  `{"bootId":"b","wrote":{${Array.from({ length: 5_000 }, (_, at) => `"@none-${at}":1`).join()}}}`,
  `{${'"@a":1,'.repeat(100_000)}"@a":1}`,
  `[${'0,'.repeat(500_000)}0]`,
  Buffer.from([0xff, 0xfe, 0x00]),
]

async function onEveryChannel({ api, cluster, space, stranger }: Arena): Promise<void> {
  const { token } = await stranger()
  const { body } = await call<Snapshot>(api, 'GET', `/v1/spaces/${space}`, { token })
  await withRedis(cluster.redisUrl, async (redis) => {
    const channels = [REDIS.headsChannel, REDIS.revokedChannel, REDIS.gatewaysChannel, REDIS.spaceChannel(space)]
    for (const message of garbled(space, body.epoch)) await redis.publish(REDIS.spaceChannel(space), message)
    for (const channel of channels) for (const message of common) await redis.publish(channel, message)
    const small = Array.from({ length: 2_000 }, () => redis.publish(REDIS.spaceChannel(space), 'rhizom1 nothing\n'))
    await Promise.all(small)
  })
}

/** What the processes find where they look for what they wrote themselves. */
async function inTheStore({ cluster, space, api, stranger, claim }: Arena): Promise<void> {
  const { token } = await stranger()
  await withRedis(cluster.redisUrl, async (redis) => {
    const boot = `stray-${Date.now()}`
    const fields = { nonsense: 'x', [`${boot}/@a`]: '{', [`${boot}/NOT`]: 'null', '/': '', __proto__: '1' }
    await redis.hset(REDIS.here(space), fields)
    await redis.set(REDIS.gatewayLease(boot), '{"formerly":7}', 'PX', 2_000)
    await redis.zadd(REDIS.knownGateways, 1, `${boot}\0`)
    for (let times = 0; times < 5; times += 1) {
      const { status } = await call(api, 'GET', `/v1/spaces/${space}/presence`, { token })
      claim(status === 200, `who is here was answered ${status}`)
    }
    await redis.hdel(REDIS.here(space), ...Object.keys(fields))
    await redis.zrem(REDIS.knownGateways, `${boot}\0`)
  })
}

export const bus: readonly Attack[] = [
  { name: 'garbled messages on every channel of the bus', strike: onEveryChannel },
  { name: 'nonsense in what presence keeps in Redis', strike: inTheStore },
]
