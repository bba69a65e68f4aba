/**
 * Brings a database to this release's tables. Safe from many nodes at once: all of them queue for one advisory lock
 * on the connection that migrates, and the later ones find nothing left to do.
 */
import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { ADVISORY_LOCKS } from './advisory-locks.ts'
import { commentOf, LEAST_MIGRATION, leastMigrationIn } from './releases.ts'

const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url))

export async function migrate(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, connect_timeout: 10, onnotice: () => undefined })
  try {
    await sql`select pg_advisory_lock(${ADVISORY_LOCKS.migrate})`
    await applyMigrations(drizzle(sql), { migrationsFolder })
    const [held] = await sql<{ comment: string | null }[]>`
      select obj_description('installation'::regclass, 'pg_class') as comment`
    // A later release may have migrated before.
    if (leastMigrationIn(held?.comment ?? null) < LEAST_MIGRATION)
      await sql.unsafe(`comment on table installation is '${commentOf(LEAST_MIGRATION)}'`)
  } finally {
    // Closing the connection releases the lock.
    await sql.end({ timeout: 5 })
  }
}
