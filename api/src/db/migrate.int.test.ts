import postgres from 'postgres'
import { expect, test } from 'vitest'
import { freshDatabase } from '../testing/fresh-database.ts'
import { migrate } from './migrate.ts'

test('A18 four migrations at once and one more leave the tables, each step applied once', async () => {
  const database = await freshDatabase({ migrated: false })
  await Promise.all([1, 2, 3, 4].map(() => migrate(database.url)))
  await migrate(database.url)
  const sql = postgres(database.url, { max: 1 })
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public' order by 1`
  const [steps] = await sql<{ steps: number; distinct: number }[]>`
    select count(*)::int as steps, count(distinct hash)::int as distinct from drizzle.__drizzle_migrations`
  await sql.end()
  await database.drop()
  expect(tables.map(({ name }) => name)).toEqual([
    'beings',
    'changes',
    'identities',
    'installation',
    'intentions',
    'invites',
    'lineage',
    'members',
    'mutations',
    'operator_actions',
    'reads',
    'sessions',
    'spaces',
  ])
  expect(steps?.steps).toBe(steps?.distinct)
  expect(steps?.steps).toBeGreaterThan(0)
})
