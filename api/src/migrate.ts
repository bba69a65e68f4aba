/** The process that brings the database up to date: `node api/src/migrate.ts`. Safe to run from many nodes at once. */
import { settings } from './config.ts'
import { migrate } from './db/migrate.ts'

const url = settings.DATABASE_URL.schema.safeParse(process.env['DATABASE_URL'] ?? '')
if (!url.success) {
  process.stderr.write(`DATABASE_URL is not valid: ${url.error.issues[0]?.message ?? 'not understood'}\n`)
  process.exit(1)
}
await migrate(url.data)
process.stdout.write(`${JSON.stringify({ msg: 'migrated' })}\n`)
