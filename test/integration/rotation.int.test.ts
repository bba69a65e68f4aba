/**
 * Keys of sessions, internal tokens and bus keys are replaced while people are connected: at each step old and new
 * nodes stand side by side, real processes on one Postgres and one Redis. Nobody is closed, everybody hears
 * everybody, and tokens of both keys are good until the old one is left out.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '@rhizom/kit/eventually.ts'
import { RawClient } from '@rhizom/kit/raw-client.ts'
import { keySetOf, newTokenKey, signingKeysOf } from '@rhizom/process'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, provided, startCluster } from '../cluster/cluster.ts'
import { apply, call, freshId, signIn, utterance } from '../wire/api-caller.ts'

const secret = (): string => randomBytes(24).toString('base64url')
const old = { key: newTokenKey(), internal: secret(), bus: secret() + secret() }
const fresh = { key: newTokenKey(), internal: secret(), bus: secret() + secret() }
type Keys = typeof old

/** So that whatever is not believed was said by one of these. */
const REDIS_PREFIX = `${freshId('keys').slice(1)}:`

const NONE = { TOKEN_SECRET: '', INTERNAL_TOKEN: '' }
const shared = (keys: readonly Keys[]) => ({
  REDIS_PREFIX,
  INTERNAL_TOKENS: keys.map(({ internal }) => internal).join(),
  BUS_KEYS: keys.map(({ bus }) => bus).join(),
})
const ofApi = (keys: readonly Keys[]) => ({ ...shared(keys), TOKEN_KEYS: keys.map(({ key }) => key).join() })
const ofGateway = (keys: readonly Keys[]) => {
  const signing = signingKeysOf({ TOKEN_KEYS: keys.map(({ key }) => key), TOKEN_SECRET: '' })
  return { ...shared(keys), TOKEN_PUBLIC_KEYS: JSON.stringify(keySetOf(signing.map(({ jwk }) => jwk))) }
}

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: provided('TEST_REDIS_URL'),
    ...{ apis: 2, gateways: 2, env: { api: { ...NONE, ...ofApi([old]) }, gateway: { ...NONE, ...ofGateway([old]) } } },
  })
}, 120_000)
afterAll(() => cluster?.stop())

/** Where it stands in Redis who is here. */
async function here(): Promise<string[]> {
  const redis = new Redis(provided('TEST_REDIS_URL'))
  const found = await redis.keys(`${REDIS_PREFIX}*:here`)
  redis.disconnect()
  return found
}

const [OLD, NEW] = [0, 1]
const api = (index: number): string => cluster.apis[index]?.url ?? ''
const gateway = (index: number): string => cluster.gateways[index]?.url ?? ''
const kidOf = (token: string): string | undefined =>
  /"kid":"(?<kid>[^"]+)"/.exec(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())?.groups?.['kid']

async function restart(index: number, keys: readonly Keys[]): Promise<void> {
  for (const [node, env] of [
    [cluster.apis[index], ofApi(keys)],
    [cluster.gateways[index], ofGateway(keys)],
  ] as const) {
    await node?.kill()
    await node?.start(env)
  }
}

test('I70 keys are replaced in three steps without anybody being put out', { timeout: 600_000 }, async () => {
  const first = await signIn(api(OLD), 'Ada')
  const space = freshId('rotation')
  await apply(api(OLD), first.token, { space, name: 'space.create', args: { name: 'Rotation' } })
  const tokens = [first.token]

  /** Somebody on each gateway; each hears what is written through each api. Everybody's tokens are good everywhere. */
  const allIsWell = async (good: readonly string[]): Promise<void> => {
    const sockets = await Promise.all(
      [OLD, NEW].flatMap((index) => good.map((token) => RawClient.welcomed(gateway(index), token))),
    )
    for (const socket of sockets) socket.send({ type: 'subscribe', space })
    await Promise.all(sockets.map((socket) => socket.frame('snapshot')))
    for (const index of [OLD, NEW]) {
      const [written] = await apply(api(index), good[0] ?? '', utterance(space, 'hello'))
      const version = written?.version ?? 0
      for (const socket of sockets)
        await socket.frame('changes', (frame) => frame.from < version && version <= frame.to)
      for (const token of good)
        expect((await call(api(index), 'GET', '/v1/sessions/current', { token })).status).toBe(200)
    }
    // Nobody was closed, and what was published was believed.
    expect(sockets.map(({ closed }) => closed)).toEqual(sockets.map(() => undefined))
    for (const socket of sockets) socket.terminate()
  }

  const steps: readonly (readonly Keys[])[] = [[old], [old, fresh], [fresh, old], [fresh]]
  await allIsWell(tokens)
  for (const [at, keys] of steps.entries()) {
    if (at === 0) continue
    const isLast = at === steps.length - 1
    // Whoever was here through a node that is gone was signed for with the old key.
    if (isLast) await eventually('nothing is left of the nodes of before', async () => (await here()).length === 0)
    // Half of the nodes have taken the step, then all of them.
    const stays = await RawClient.welcomed(gateway(OLD), tokens.at(-1) ?? '')
    await restart(NEW, keys)
    tokens.push((await signIn(api(NEW), 'Ada')).token)
    await allIsWell(isLast ? tokens.slice(-1) : tokens)
    expect(stays.closed).toBeUndefined()
    stays.terminate()
    await restart(OLD, keys)
    await allIsWell(isLast ? tokens.slice(-1) : tokens)
  }
  expect(new Set(tokens.map(kidOf)).size).toBe(2)
  const { body } = await call<{ keys: { kid: string }[] }>(api(OLD), 'GET', '/.well-known/jwks.json', { token: '' })
  expect(body.keys.map(({ kid }) => kid)).toEqual([kidOf(tokens.at(-1) ?? '')])
  const logs = readdirSync(cluster.logs).map((name) => readFileSync(join(cluster.logs, name), 'utf8'))
  expect(logs.filter((log) => log.includes('none of ours signed'))).toEqual([])
  // The old key is left out, and with it what it signed.
  const late = await new RawClient(gateway(OLD)).opened()
  late.send({ type: 'hello', protocol: 1, token: first.token })
  expect(await late.hasClosed()).toMatchObject({ code: 4501 })
  await eventually('the api refuses it', async () => {
    const { status } = await call(api(NEW), 'GET', '/v1/sessions/current', { token: first.token })
    return status === 401
  })
})
