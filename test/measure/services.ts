/** Postgres and Redis of a measurement's own, whatever runs beside it. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startGuard } from '@rhizom/infra/local/guard.ts'
import { startTestServices } from '../services/test-services.ts'

export interface Stores {
  adminDatabaseUrl: string
  redisUrl: string
  stop(): Promise<void>
}

export async function startStores(): Promise<Stores> {
  const guard = startGuard()
  const services = await startTestServices(mkdtempSync(join(tmpdir(), 'rhizom-measure-')), guard)
  const { TEST_DATABASE_URL, TEST_REDIS_URL } = services.environment
  return {
    adminDatabaseUrl: TEST_DATABASE_URL,
    redisUrl: TEST_REDIS_URL,
    async stop() {
      await services.stop()
      guard.close()
    },
  }
}
