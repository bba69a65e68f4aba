/**
 * A Postgres and a Redis of the tests' own: on free ports, in a folder that is removed afterwards, with nothing left
 * running whatever ends the tests. Postgres runs without fsync here: what tests write need not survive a power cut.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildWatch } from '@rhizom/infra/local/child.ts'
import { FORGETFUL, startPostgres } from '@rhizom/infra/local/postgres.ts'
import { startRedis } from '@rhizom/infra/local/redis.ts'

export interface TestServices {
  environment: { TEST_DATABASE_URL: string; TEST_REDIS_URL: string }
  stop(): Promise<void>
}

/** Uses what TEST_DATABASE_URL and TEST_REDIS_URL name, and starts what they do not. */
export async function startTestServices(directory: string, watch: ChildWatch): Promise<TestServices> {
  const given = { database: process.env['TEST_DATABASE_URL'], redis: process.env['TEST_REDIS_URL'] }
  if (given.database !== undefined && given.redis !== undefined)
    return { environment: { TEST_DATABASE_URL: given.database, TEST_REDIS_URL: given.redis }, stop: async () => {} }
  mkdirSync(directory, { recursive: true })
  const [database, redis] = await Promise.all([
    given.database ?? ownPostgres(join(directory, 'postgres'), watch),
    given.redis ?? ownRedis(join(directory, 'redis'), watch),
  ])
  const own = [database, redis].filter((service) => typeof service !== 'string')
  return {
    environment: { TEST_DATABASE_URL: urlOf(database), TEST_REDIS_URL: urlOf(redis) },
    async stop() {
      await Promise.all(own.map((service) => service.stop()))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const urlOf = (service: string | { url: string }): string => (typeof service === 'string' ? service : service.url)

const ownPostgres = (directory: string, watch: ChildWatch) =>
  startPostgres({ directory, watch, settings: { ...FORGETFUL, max_connections: '300' } })

const ownRedis = (directory: string, watch: ChildWatch) => startRedis({ directory, watch })
