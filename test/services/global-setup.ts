/**
 * Vitest calls this once before the tests that need Postgres and Redis; `npm test` has then set both variables already.
 */
import { join } from 'node:path'
import { startGuard } from '@rhizom/infra/local/guard.ts'
import { repository } from '@rhizom/infra/local/places.ts'
import { startTestServices } from './test-services.ts'

export default async function setUp(): Promise<() => Promise<void>> {
  const guard = startGuard()
  const services = await startTestServices(join(repository, '.local', `test-${process.pid}`), guard)
  Object.assign(process.env, services.environment)
  return async () => {
    await services.stop()
    guard.close()
  }
}
