/**
 * A Postgres and a Redis of the tests' own: on free ports, in a folder that is removed afterwards, with nothing left
 * running whatever ends the tests. A second Redis is quiet: no node is at it, so a test hears nothing there but what it
 * says itself. Postgres runs without fsync here: what tests write need not survive a power cut.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildWatch } from '@rhizom/infra/local/child.ts'
import { FORGETFUL, startPostgres } from '@rhizom/infra/local/postgres.ts'
import { startRedis } from '@rhizom/infra/local/redis.ts'
import postgres from 'postgres'
import { migrate } from '../cluster/migrate.ts'

export interface TestServices {
  environment: {
    TEST_DATABASE_URL: string
    TEST_REDIS_URL: string
    TEST_QUIET_REDIS_URL: string
    /** A database with this release's tables, to be copied. */
    TEST_DATABASE_TEMPLATE?: string
  }
  stop(): Promise<void>
}

/** Uses what TEST_DATABASE_URL, TEST_REDIS_URL and TEST_QUIET_REDIS_URL name, and starts what they do not. */
export async function startTestServices(directory: string, watch: ChildWatch): Promise<TestServices> {
  const { TEST_DATABASE_URL, TEST_REDIS_URL, TEST_QUIET_REDIS_URL, TEST_DATABASE_TEMPLATE } = process.env
  const [database, redis, quiet] = await Promise.all([
    TEST_DATABASE_URL ?? ownPostgres(join(directory, 'postgres'), watch),
    TEST_REDIS_URL ?? ownRedis(join(directory, 'redis'), watch),
    TEST_QUIET_REDIS_URL ?? ownRedis(join(directory, 'quiet-redis'), watch),
  ])
  const template = typeof database === 'string' ? TEST_DATABASE_TEMPLATE : await makeTemplate(database.url)
  const own = [database, redis, quiet].filter((service) => typeof service !== 'string')
  return {
    environment: {
      TEST_DATABASE_URL: urlOf(database),
      TEST_REDIS_URL: urlOf(redis),
      TEST_QUIET_REDIS_URL: urlOf(quiet),
      ...(template !== undefined && { TEST_DATABASE_TEMPLATE: template }),
    },
    async stop() {
      await Promise.all(own.map((service) => service.stop()))
      if (own.length > 0) rmSync(directory, { recursive: true, force: true })
    },
  }
}

const urlOf = (service: string | { url: string }): string => (typeof service === 'string' ? service : service.url)

const ownPostgres = (directory: string, watch: ChildWatch) =>
  startPostgres({ directory, watch, settings: { ...FORGETFUL, max_connections: '300' } })

/** Nobody may connect to what is copied, so that each copy can be made at once. */
async function makeTemplate(server: string): Promise<string> {
  const name = 'template_of_tests'
  const admin = postgres(server, { max: 1 })
  try {
    await admin`create database ${admin(name)}`
    await migrate(Object.assign(new URL(server), { pathname: `/${name}` }).href)
    await admin`alter database ${admin(name)} with is_template true allow_connections false`
  } finally {
    await admin.end()
  }
  return name
}

const ownRedis = (directory: string, watch: ChildWatch) => startRedis({ directory, watch })
