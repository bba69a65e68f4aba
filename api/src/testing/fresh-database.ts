/** A migrated database of its own for a test file, on the server that TEST_DATABASE_URL names. */
import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { migrate } from '../db/migrate.ts'
import { copyDatabase } from './database-copy.ts'

export interface FreshDatabase {
  url: string
  drop: () => Promise<void>
}

export async function freshDatabase({ migrated = true }: { migrated?: boolean } = {}): Promise<FreshDatabase> {
  const server = process.env['TEST_DATABASE_URL']
  if (server === undefined) throw new Error('TEST_DATABASE_URL is not set: run the tests with npm test')
  const name = `test_${randomBytes(8).toString('hex')}`
  const admin = postgres(server, { max: 1, onnotice: () => undefined })
  const url = new URL(server)
  url.pathname = `/${name}`
  if (!migrated || !(await copyDatabase(admin, url))) {
    await admin.unsafe(`create database ${name}`)
    if (migrated) await migrate(url.href)
  }
  return {
    url: url.href,
    drop: async () => {
      await admin.unsafe(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}
