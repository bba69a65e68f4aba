/**
 * What a person is told who set something up wrongly: real processes, each with one wrong setting, and the one line
 * that says so. None of them ends for the sake of something that may heal by itself.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { freshDatabase } from '@rhizom/api/testing'
import { repository } from '@rhizom/infra/local/places.ts'
import { startRedis } from '@rhizom/infra/local/redis.ts'
import type { Service } from '@rhizom/infra/local/service.ts'
import { ScriptedRedis } from '@rhizom/process/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import WebSocket from 'ws'
import { ServerProcess } from './server-process.ts'

const WITHIN_MS = 5_000
/** Processes are slow to start on a machine that is busy. */
const TIMEOUT_MS = 120_000
const PASSWORD = randomBytes(9).toString('hex')
const secrets = { TOKEN_SECRET: randomBytes(32).toString('hex'), INTERNAL_TOKEN: randomBytes(16).toString('hex') }
const otherSecret = randomBytes(32).toString('hex')

vi.setConfig({ maxConcurrency: 3 })

const started: ServerProcess[] = []
const services: Service[] = []
const servers: Server[] = []
let database: Awaited<ReturnType<typeof freshDatabase>>
let bare: Awaited<ReturnType<typeof freshDatabase>>
let redis: Service
let replica: Service
let forgetful: Service
let old: ScriptedRedis
let page: Server
let silent: Server
let apiUrl: string
let apiInternal: string
let issuer: ServerProcess

const urlOf = (server: Server, scheme: string): string =>
  `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`

async function listening(server: Server): Promise<Server> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function ownRedis(name: string, args: string[] = []): Promise<Service> {
  const directory = join(repository, '.local', `wrong-settings-${process.pid}`, name)
  const service = await startRedis({ directory, args })
  services.push(service)
  return service
}

const api = (env: Record<string, string> = {}): ServerProcess => {
  const made = new ServerProcess('api', { ...secrets, DATABASE_URL: database.url, REDIS_URL: redis.url, ...env })
  started.push(made)
  return made
}
const gateway = (env: Record<string, string> = {}): ServerProcess => {
  const made = new ServerProcess('gateway', {
    ...secrets,
    API_URL: apiUrl,
    API_INTERNAL_URL: apiInternal,
    REDIS_URL: redis.url,
    ...env,
  })
  started.push(made)
  return made
}

/** `url` with another part; never shown, so that it may hold a password. */
function changed(url: string, change: (parts: URL) => void): string {
  const parts = new URL(url)
  change(parts)
  return parts.href
}

async function closedPort(): Promise<number> {
  const server = await listening(createServer())
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

beforeAll(async () => {
  ;[database, bare, redis, forgetful, old] = await Promise.all([
    freshDatabase(),
    freshDatabase({ migrated: false }),
    ownRedis('primary'),
    ownRedis('forgetful', ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru']),
    ScriptedRedis.start(([name = '', what]) =>
      name.toLowerCase() === 'info'
        ? { bulk: 'redis_version:5.0.14\r\nrole:master\r\n' }
        : name.toLowerCase() === 'hello'
          ? { line: "-ERR unknown command 'HELLO'" }
          : { line: name.toLowerCase() === 'ping' && what === undefined ? '+PONG' : '+OK' },
    ),
  ])
  replica = await ownRedis('replica', ['--replicaof', '127.0.0.1', `${redis.port}`])
  const admin = new Redis(redis.url)
  for (const [user, forbidden] of [
    ['deaf', 'subscribe'],
    ['mute', 'publish'],
  ] as const)
    await admin.call('ACL', 'SETUSER', user, 'on', `>${PASSWORD}`, '~*', '&*', '+@all', `-${forbidden}`)
  admin.disconnect()
  page = await listening(createHttpServer((_, response) => response.writeHead(200).end('<!doctype html>')))
  silent = await listening(createServer((socket) => socket.on('error', () => undefined)))
  issuer = api()
  apiUrl = await issuer.url()
  apiInternal = await issuer.internalUrl()
})

afterAll(async () => {
  await Promise.all(started.map((process) => process.kill()))
  await Promise.all(services.map((service) => service.stop()))
  for (const server of servers) server.close()
  old.stop()
  await database.drop()
  await bare.drop()
})

const onRedis = (user: string, password: string): string =>
  changed(redis.url, (url) => Object.assign(url, { username: user, password }))

interface Wrong {
  what: string
  env: () => Promise<Record<string, string>> | Record<string, string>
  reason: string
  /** Ready all the same: it hurts later, or in what readiness does not ask for. */
  isReady?: boolean
}

const postgres: Wrong[] = [
  {
    what: 'another database name',
    env: () => ({ DATABASE_URL: changed(database.url, (url) => (url.pathname = '/nowhere')) }),
    reason: 'Postgres has no database of this name',
  },
  {
    what: 'another password of Postgres',
    env: () => ({ DATABASE_URL: changed(database.url, (url) => (url.password = PASSWORD)) }),
    reason: 'Postgres refuses this user or password',
  },
  {
    what: 'another user of Postgres',
    env: () => ({ DATABASE_URL: changed(database.url, (url) => (url.username = 'nobody')) }),
    reason: 'Postgres refuses this user or password',
  },
  {
    what: 'a Postgres that is not there',
    env: async () => ({ DATABASE_URL: `postgres://u:${PASSWORD}@127.0.0.1:${await closedPort()}/rhizom` }),
    reason: 'Postgres is not reached',
  },
  {
    what: 'a Postgres that never answers',
    env: () => ({ DATABASE_URL: urlOf(silent, 'postgres') }),
    reason: 'Postgres is not reached',
  },
  {
    what: 'a page in place of Postgres',
    env: () => ({ DATABASE_URL: `postgres://u:${PASSWORD}@${new URL(urlOf(page, 'http')).host}/rhizom` }),
    reason: 'Postgres is not reached',
  },
  { what: 'a database without tables', env: () => ({ DATABASE_URL: bare.url }), reason: 'the database lacks tables' },
]

const redises: Wrong[] = [
  {
    what: 'a Redis that is not there',
    env: async () => ({ REDIS_URL: `redis://:${PASSWORD}@127.0.0.1:${await closedPort()}` }),
    reason: 'Redis is not reached',
  },
  {
    what: 'another password of Redis',
    env: () => ({ REDIS_URL: onRedis('deaf', `${PASSWORD}-not`) }),
    reason: 'Redis refuses this user or password',
  },
  { what: 'a replica', env: () => ({ REDIS_URL: replica.url }), reason: 'is a replica that cannot be written to' },
  { what: 'a Redis that is too old', env: () => ({ REDIS_URL: old.url }), reason: 'this Redis is too old' },
  {
    what: 'a page in place of Redis',
    env: () => ({ REDIS_URL: urlOf(page, 'redis') }),
    reason: 'what answers there is no Redis',
  },
  {
    what: 'a Redis that may forget',
    env: () => ({ REDIS_URL: forgetful.url }),
    reason: 'maxmemory-policy is allkeys-lru and should be noeviction',
    isReady: true,
  },
]

const noPublishing: Wrong = {
  what: 'a user of Redis who may not publish',
  env: () => ({ REDIS_URL: onRedis('mute', PASSWORD) }),
  reason: 'this user of Redis may not do what is asked of it',
}
const noSubscribing: Wrong = {
  what: 'a user of Redis who may not subscribe',
  env: () => ({ REDIS_URL: onRedis('deaf', PASSWORD) }),
  reason: 'this user of Redis may not do what is asked of it',
}

const apis: Wrong[] = [
  {
    what: 'an api that is not there',
    env: async () => ({ API_URL: `http://127.0.0.1:${await closedPort()}`, API_INTERNAL_URL: '' }),
    reason: 'the api is not reached',
  },
  {
    what: 'another INTERNAL_TOKEN',
    env: () => ({ INTERNAL_TOKEN: otherSecret }),
    reason: 'INTERNAL_TOKEN: the api refuses it',
  },
  {
    what: 'a page in place of the api',
    env: () => ({ API_URL: urlOf(page, 'http'), API_INTERNAL_URL: '' }),
    reason: 'what answers there is no api',
  },
  {
    what: 'a gateway in place of the api',
    env: async () => ({ API_URL: await gateway().url(), API_INTERNAL_URL: '' }),
    reason: 'what answers there is no api',
  },
]
const noHeads: Wrong = {
  what: 'a Redis that carries nothing of the api',
  env: () => ({ REDIS_URL: forgetful.url }),
  reason: 'no heads arrive',
}

type Row = [first: string, second: string, wrong: Wrong[]]

/** Two wrong settings that have nothing to do with each other fit one process. */
const rows = (first: readonly Wrong[], second: readonly Wrong[]): Row[] =>
  Array.from({ length: Math.max(first.length, second.length) }, (_, at) => {
    const wrong = [first[at], second[at]].filter((one) => one !== undefined)
    return [wrong[0]?.what ?? '', wrong[1]?.what ?? 'nothing else', wrong]
  })

/** Each is said in one line, in time; the process lives, is not ready, and says nothing that is secret. */
async function expectTold(process: ServerProcess, wrong: readonly Wrong[]): Promise<void> {
  try {
    await process.url()
    const begunAt = Date.parse(process.lines()[0]?.time ?? '')
    for (const { reason } of wrong) {
      const { time } = await process.says(reason)
      expect(Date.parse(time) - begunAt, reason).toBeLessThan(WITHIN_MS)
    }
    if (wrong.some(({ isReady = false }) => !isReady)) expect(await process.readiness()).toBe(503)
    for (const { reason } of wrong) expect(process.saying(reason)).toHaveLength(1)
    expect(process.warnings().length).toBeLessThanOrEqual(wrong.length + 2)
    expect(process.child.exitCode).toBeNull()
    const said = `${process.out}${process.err}`
    for (const secret of [PASSWORD, otherSecret, ...Object.values(secrets)]) expect(said).not.toContain(secret)
  } finally {
    await process.kill()
  }
}

async function envOf(wrong: readonly Wrong[]): Promise<Record<string, string>> {
  const all: Record<string, string> = {}
  for (const { env } of wrong) Object.assign(all, await env())
  return all
}

describe.concurrent('with something wrong', { timeout: TIMEOUT_MS }, () => {
  test.each([...rows(postgres, redises), ...rows([noPublishing], [])])(
    'N50 N51 the api tells of %s and of %s',
    async (_first, _second, wrong) => expectTold(api(await envOf(wrong)), wrong),
  )

  test.each(rows([...redises, noSubscribing, noHeads], apis))(
    'N51 N52 the gateway tells of %s and of %s',
    async (_first, _second, wrong) => expectTold(gateway(await envOf(wrong)), wrong),
  )

  test.each(['api', 'gateway'] as const)('N2 an %s whose port is taken ends with one line', async (part) => {
    const env = { PORT: new URL(apiUrl).port, INTERNAL_PORT: new URL(apiInternal).port }
    const process = part === 'api' ? api(env) : gateway(env)
    expect(await process.ended()).toBe(1)
    expect(process.warnings()).toMatchObject([
      { level: 60, msg: expect.stringMatching(/^PORT or HOST: cannot listen/) },
    ])
  })

  test.each(['api', 'gateway'] as const)('N1 an %s without a setting ends with one line', async (part) => {
    const process = part === 'api' ? api({ REDIS_URL: '' }) : gateway({ REDIS_URL: '' })
    expect(await process.ended()).toBe(1)
    expect(process.err).toMatch(/^REDIS_URL is required: [^\n]+\n$/)
  })

  test('N53 a session of another TOKEN_SECRET is refused, and who refuses it says so once', async () => {
    const answer = await fetch(`${apiUrl}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Ada' }),
    })
    const { token } = (await answer.json()) as { token: string }
    const [ofGateway, ofApi] = [gateway({ TOKEN_SECRET: otherSecret }), api({ TOKEN_SECRET: otherSecret })]
    const socketUrl = `${(await ofGateway.url()).replace('http', 'ws')}/v1/sync`
    for (let round = 0; round < 3; round += 1) {
      const socket = new WebSocket(socketUrl)
      await once(socket, 'open')
      socket.send(JSON.stringify({ type: 'hello', protocol: 1, token }))
      expect(await once(socket, 'close')).toMatchObject([4501, expect.anything()])
      const headers = { authorization: `Bearer ${token}`, 'x-request-id': 'asked-by-a-test' }
      const refused = await fetch(`${await ofApi.url()}/v1/sessions/current`, { headers })
      expect(refused.status).toBe(401)
      expect(refused.headers.get('x-request-id')).toBe('asked-by-a-test')
    }
    for (const process of [ofGateway, ofApi]) {
      await process.says('is TOKEN_SECRET the same')
      expect(process.saying('is TOKEN_SECRET the same')).toHaveLength(1)
      expect(process.out).not.toContain(token)
    }
  })
})

test('N51 what heals is said to be good again, and how long it lasted', { timeout: TIMEOUT_MS }, async () => {
  const port = await closedPort()
  const process = api({ REDIS_URL: `redis://127.0.0.1:${port}` })
  await process.says('Redis is not reached')
  services.push(
    await startRedis({ directory: join(repository, '.local', `wrong-settings-${process.child.pid}`), port }),
  )
  const line = await process.says('Redis is as it should be again')
  expect(line).toMatchObject({ level: 30, component: 'api', condition: 'redis', times: expect.any(Number) })
  expect(Number(line['forMs'])).toBeGreaterThan(0)
  expect(await process.readiness()).toBe(200)
})
