import postgres from 'postgres'
import { expect, test } from 'vitest'
import { eventually } from '@rhizom/kit/eventually.ts'
import { freshDatabase } from '../testing/fresh-database.ts'
import { freshId, startApi } from '../testing/test-api.ts'
import { migrate } from './migrate.ts'
import { commentOf, KNOWN_MIGRATION, LEAST_MIGRATION, leastMigrationIn } from './releases.ts'

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

test('A420 a node leaves a database alone that a release has migrated with which it cannot share it', async () => {
  const database = await freshDatabase()
  const sql = postgres(database.url, { max: 1 })
  const leaveNote = (least: number) => sql.unsafe(`comment on table installation is '${commentOf(least)}'`)
  const leastOf = async (): Promise<number> => {
    const [row] = await sql<{ comment: string | null }[]>`
      select obj_description('installation'::regclass, 'pg_class') as comment`
    return leastMigrationIn(row?.comment ?? null)
  }
  expect([await leastOf(), LEAST_MIGRATION <= KNOWN_MIGRATION]).toEqual([LEAST_MIGRATION, true])
  const before = await startApi({ databaseUrl: database.url })
  try {
    const { token, being } = await before.signIn('Writer')
    const rename = { space: null, name: 'being.update', args: { id: being.id, name: 'x' } } as const
    await before.mutate(token, rename)
    // A later release that these nodes can live with, and one that they cannot.
    await leaveNote(KNOWN_MIGRATION)
    await before.mutate(token, rename)
    await leaveNote(KNOWN_MIGRATION + 1)
    const body = { mutations: [{ id: '0197a3f0-0000-7000-8000-000000000001', ...rename }] }
    const isRefused = async (): Promise<boolean> =>
      (await before.ask('POST', '/v1/mutations', { token, body })).status === 503 &&
      (await before.ask('GET', '/v1/spaces', { token })).status === 503
    await eventually('it writes and reads no more', isRefused)
    expect((await before.ask('GET', '/readyz')).status).toBe(503)
    const another = await startApi({ databaseUrl: database.url })
    const signingIn = await another.ask('POST', '/v1/sessions', { body: { name: 'Guest', id: freshId('guest') } })
    expect([signingIn.status, (await another.ask('GET', '/readyz')).status]).toEqual([503, 503])
    await another.stop()
    // An older release that migrates takes nothing back.
    await migrate(database.url)
    expect(await leastOf()).toBe(KNOWN_MIGRATION + 1)
    await leaveNote(LEAST_MIGRATION)
    await eventually('it is ready again', async () => (await before.ask('GET', '/readyz')).status === 200)
    await before.mutate(token, rename)
  } finally {
    await before.stop()
    await sql.end()
    await database.drop()
  }
})
