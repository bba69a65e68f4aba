/**
 * What the presence benchmark measures: a Redis, a Postgres, an api and two gateways of its own, with usual settings.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, runToEnd, startChild } from '@rhizom/infra/local/child.ts'
import type { Guard } from '@rhizom/infra/local/guard.ts'
import { repository } from '@rhizom/infra/local/places.ts'
import { anyFreePort } from '@rhizom/infra/local/ports.ts'
import { FORGETFUL, startPostgres } from '@rhizom/infra/local/postgres.ts'
import { startRedis } from '@rhizom/infra/local/redis.ts'

export interface BenchSystem {
  api: string
  gateways: string[]
  redisUrl: string
  secret: string
  stop(): Promise<void>
}

interface Launched {
  url: string
  internalUrl: string
}

const READY_WITHIN_MS = 30_000

export async function startBenchSystem(directory: string, watch: Guard, connections: number): Promise<BenchSystem> {
  const [redis, postgres] = await Promise.all([
    startRedis({ directory: join(directory, 'redis'), watch }),
    startPostgres({ directory: join(directory, 'postgres'), watch, settings: FORGETFUL }),
  ])
  const secret = randomBytes(24).toString('hex')
  const shared = {
    PATH: process.env['PATH'] ?? '',
    REDIS_URL: redis.url,
    TOKEN_SECRET: secret,
    INTERNAL_TOKEN: randomBytes(24).toString('hex'),
    DATABASE_URL: postgres.url,
    LOG_LEVEL: 'warn',
    MAX_CONNECTIONS_PER_ADDRESS: String(connections + 100),
    MUTATIONS_PER_SECOND: '10000',
    MUTATIONS_BURST: '10000',
  }
  const children: Child[] = []
  const launch = async (name: string, entry: string, env: Record<string, string>): Promise<Launched> => {
    const [port, internalPort] = await Promise.all([anyFreePort(), anyFreePort()])
    const ports = { PORT: `${port}`, INTERNAL_PORT: `${internalPort}` }
    const command = { file: process.execPath, args: [entry], cwd: repository, env: { ...env, ...ports } }
    children.push(await startChild(command, join(directory, `${name}.log`), watch))
    const internalUrl = `http://127.0.0.1:${internalPort}`
    await answers(internalUrl, name)
    return { url: `http://127.0.0.1:${port}`, internalUrl }
  }
  const migration = { file: process.execPath, args: ['api/src/migrate.ts'], cwd: repository, env: shared }
  const { code } = await runToEnd(migration, join(directory, 'migrate.log'), watch)
  if (code !== 0) throw new Error(`the migration failed; its output is in ${directory}/migrate.log`)
  const api = await launch('api', 'api/src/main.ts', shared)
  const env = { ...shared, API_URL: api.url, API_INTERNAL_URL: api.internalUrl }
  const gateways = [
    await launch('gateway-1', 'gateway/src/main.ts', env),
    await launch('gateway-2', 'gateway/src/main.ts', env),
  ]
  return {
    api: api.url,
    gateways: gateways.map(({ url }) => url),
    redisUrl: redis.url,
    secret,
    async stop() {
      await Promise.all(children.map((child) => child.stop('SIGKILL')))
      await Promise.all([redis.stop(), postgres.stop()])
    },
  }
}

async function answers(url: string, name: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS
  for (;;) {
    try {
      if ((await fetch(`${url}/readyz`)).ok) return
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${name} does not start`, { cause: error })
    }
    if (Date.now() > deadline) throw new Error(`${name} is not ready`)
    await sleep(50)
  }
}
