/**
 * Two installations on one Redis, each an api and a gateway on a database of its own, with the same secrets, spaces and
 * people: neither hears the other, whether or not they were given prefixes of their own.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '@rhizom/infra/local/places.ts'
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { presenceAnswerSchema } from '@rhizom/protocol'
import { Redis } from 'ioredis'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { apply, call, freshId, type Session, signIn, utterance } from '../wire/api-caller.ts'

/** Keys that no other test writes; channels are common to all databases of a Redis. */
const redisUrl = new URL('/11', provided('TEST_REDIS_URL')).href
const secrets = { TOKEN_SECRET: randomBytes(32).toString('hex'), INTERNAL_TOKEN: randomBytes(16).toString('hex') }
const being = freshId('ada')
const other = freshId('cyd')
const space = freshId('space')

interface Installation {
  cluster: Cluster
  api: string
  ada: Session
  /** Of the one who watches, and of another one who is removed in one of them. */
  socket: RawClient
  cyd: RawClient
  cydToken: string
}

let clusters: Cluster[] = []
const redis = new Redis(redisUrl)

/** The user of the example, under another name: channels and users are common to all who test here. */
const user = freshId('acl').slice(1)
const restrictedUrl = Object.assign(new URL(redisUrl), { username: user, password: 'a-password-of-tests' }).href
const rules = (): string[] => {
  const example = readFileSync(join(repository, 'infra/docker/redis.acl.example'), 'utf8')
  const line = example.split('\n').find((one) => one.startsWith('user rhizom ')) ?? ''
  return line
    .split(' ')
    .slice(2)
    .map((rule) => (rule.startsWith('>') ? '>a-password-of-tests' : rule))
}
/** A Redis before 7.2 has no such command, and refuses to be told of it. */
const SINCE_7_2 = 'client|setinfo'
beforeAll(async () => {
  const [known] = z.array(z.unknown()).parse(await redis.call('COMMAND', 'INFO', SINCE_7_2))
  const understood = rules().filter((rule) => known !== null || rule !== `+${SINCE_7_2}`)
  await redis.call('ACL', 'SETUSER', user, ...understood)
})
afterEach(async () => {
  await Promise.all(clusters.map((cluster) => cluster.stop()))
  await redis.flushdb()
  await redis.call('ACL', 'DELUSER', user)
  redis.disconnect()
})

async function install(prefix?: string): Promise<Installation> {
  const env = { ...secrets, ...(prefix === undefined ? {} : { REDIS_PREFIX: prefix }) }
  const cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    // One with a prefix of its own needs rules of its own as well.
    ...{
      redisUrl: prefix === undefined ? restrictedUrl : redisUrl,
      apis: 1,
      gateways: 1,
      env: { api: env, gateway: env },
    },
  })
  clusters = [...clusters, cluster]
  const api = cluster.apis[0]?.url ?? ''
  const ada = await signIn(api, 'Ada', being)
  const visibility = 'private'
  await apply(api, ada.token, { space, name: 'space.create', args: { name: 'A space', visibility } })
  const gateway = cluster.gateways[0]?.url ?? ''
  const socket = await RawClient.welcomed(gateway, ada.token)
  const { token: cydToken } = await signIn(api, 'Cyd', other)
  const cyd = await RawClient.welcomed(gateway, cydToken)
  socket.send({ type: 'subscribe', space })
  await socket.frame('snapshot')
  return { cluster, api, ada, socket, cyd, cydToken }
}

const here = async ({ api, ada }: Installation): Promise<string[]> => {
  const { body } = await call(api, 'GET', `/v1/spaces/${space}/presence`, { token: ada.token })
  return presenceAnswerSchema.parse(body).here.map((one) => one.being)
}

test('G159 I93 two installations on one Redis, as the user of the example, do not hear each other', {
  timeout: 400_000,
}, async () => {
  const [one, second, apart] = await Promise.all([install(), install(), install('apart:')])
  // Somebody who is in the second only, and something said there.
  const bob = await signIn(second.api, 'Bob', freshId('bob'))
  await apply(second.api, second.ada.token, {
    space,
    name: 'member.put',
    args: { being: bob.being.id, role: 'member' },
  })
  const bobs = await RawClient.welcomed(second.cluster.gateways[0]?.url ?? '', bob.token)
  bobs.send({ type: 'subscribe', space })
  await bobs.frame('snapshot')
  bobs.send({ type: 'signal', space, name: 'wave', data: {} })
  await apply(second.api, second.ada.token, utterance(space, 'only here'))
  await second.socket.frame('signal')
  await second.socket.until('Bob is here', () =>
    second.socket.frames.some((frame) => frame.type === 'presence' && frame.joined.some((one) => one.being !== being)),
  )
  await apply(second.api, second.cydToken, { space: null, name: 'being.remove', args: { id: other } })
  await second.cyd.hasClosed()

  for (const installation of [one, apart]) {
    const { api, ada, socket, cyd } = installation
    await apply(api, ada.token, utterance(space, 'said here'))
    await socket.frame('changes')
    const others = socket.frames.flatMap((frame) =>
      frame.type === 'presence' ? [...frame.joined.map((entry) => entry.being), ...frame.left] : [],
    )
    expect(others.filter((name) => name !== being)).toEqual([])
    expect(socket.frames.filter(({ type }) => type === 'signal')).toEqual([])
    expect(socket.frames.filter(({ type }) => type === 'changes')).toHaveLength(1)
    expect([socket.closed, cyd.closed]).toEqual([undefined, undefined])
    expect(await here(installation)).toEqual([being])
  }
  const keys = await redis.keys('*')
  expect(keys.filter((key) => !key.startsWith('rhizom:') && !key.startsWith('apart:'))).toEqual([])
  expect(keys).toContain(`apart:{${space}}:here`)

  // Nothing that a node asked was refused to it, and what none asks is.
  const denied = async (): Promise<string[]> =>
    z
      .array(z.array(z.unknown()))
      .parse(await redis.call('ACL', 'LOG', '128'))
      .flatMap((row) => (row.includes(user) ? [JSON.stringify(row)] : []))
  expect(await denied()).toEqual([])
  const restricted = new Redis(restrictedUrl)
  try {
    for (const command of [
      ['keys', '*'],
      ['flushdb'],
      ['flushall'],
      ['config', 'get', '*'],
      ['acl', 'whoami'],
      ['client', 'list'],
      ['monitor'],
      ['psubscribe', '*'],
      ['get', 'elsewhere'],
      ['set', 'apart:x', '1'],
      ['publish', 'apart:heads', ''],
      ['script', 'flush'],
      ['eval', "return redis.call('GET', 'elsewhere')", '0'],
      ['eval', "return redis.call('KEYS', '*')", '0'],
    ])
      await expect(restricted.call(command[0] ?? '', ...command.slice(1)), command.join(' ')).rejects.toThrow(
        /NOPERM|permission|executing the script can't/i,
      )
  } finally {
    restricted.disconnect()
  }
})
