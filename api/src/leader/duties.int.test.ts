/** Pruning and new histories, over a real Postgres: what goes, what stays, and what those are told who stood there. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { eventually } from '@rhizom/kit/eventually.ts'
import { type Position, snapshotSchema } from '@rhizom/protocol'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADVISORY_LOCKS } from '../db/advisory-locks.ts'
import { connect } from '../db/database.ts'
import { checkLineage } from '../db/write/lineage.ts'
import { pruneChangesByAge, pruneChangesByCount, pruneLedger, spacesChangedSince } from '../db/write/retention.ts'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { freshId, INTERNAL_TOKEN, startApi, type TestApi, uuid } from '../testing/test-api.ts'

let database: FreshDatabase
let api: TestApi
let sql: postgres.Sql<{ bigint: number }>

const start = (env: Record<string, string> = {}): Promise<TestApi> =>
  startApi({ databaseUrl: database.url, env: { HEADS_INTERVAL_MS: '50', ...env } })

beforeAll(async () => {
  database = await freshDatabase()
  sql = postgres(database.url, {
    max: 4,
    onnotice: () => undefined,
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
  })
  api = await start()
})

afterAll(async () => {
  await api.stop()
  await sql.end()
  await database.drop()
})

/** A space with `count` utterances, and the position after its creation (two changes). */
async function newSpace(count: number) {
  const space = freshId('kept')
  const { token } = await api.signIn('Owner')
  await api.mutate(token, { space, name: 'space.create', args: { name: 'Kept' } })
  const ids = Array.from({ length: count }, () => uuid())
  for (const id of ids)
    await api.mutate(token, { id, space, name: 'intention.create', args: { id, type: 'utterance', content: ['x'] } })
  const { epoch, version } = snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token })).body)
  return { space, token, epoch, version, ids }
}

const versionsIn = async (space: string): Promise<number[]> =>
  (await sql<{ version: number }[]>`select version from changes where space = ${space} order by version`).map(
    ({ version }) => version,
  )

const ask = async (space: string, token: string, { epoch, version }: Position) => {
  const open = await api.ask('GET', `/v1/spaces/${space}/changes?epoch=${epoch}&after=${version}`, { token })
  const internal = await api.ask('GET', `/internal/spaces/${space}?epoch=${epoch}&after=${version}`, {
    token: INTERNAL_TOKEN,
  })
  return [open.status, JSON.stringify(internal.body).includes('"kind":"snapshot"') ? 'snapshot' : 'changes']
}

const retention = { logSeconds: 3600, logChanges: 1000, ledgerSeconds: 3600 }

test('A43 A44 by age a prefix goes, also where the clock was set back; older positions get a snapshot', async () => {
  const { space, token, epoch, version } = await newSpace(8)
  await sql`update changes set at = now() - interval '2 hours' where space = ${space} and version in (1, 2, 3, 5)`
  const removed: number[] = []
  do removed.push(await pruneChangesByAge(sql, retention, 2))
  while (removed.at(-1) === 2)
  expect(removed).toEqual([2, 2, 1])
  expect(await versionsIn(space)).toEqual([6, 7, 8, 9, 10])
  expect(await ask(space, token, { epoch, version: 4 })).toEqual([410, 'snapshot'])
  expect(await ask(space, token, { epoch, version: 5 })).toEqual([200, 'changes'])
  expect(await ask(space, token, { epoch, version })).toEqual([200, 'changes'])
})

test('A43 by count the newest stay', async () => {
  const { space, token, epoch } = await newSpace(8)
  expect(await pruneChangesByCount(sql, [space], { ...retention, logChanges: 3 }, 1000)).toBe(7)
  expect(await versionsIn(space)).toEqual([8, 9, 10])
  expect(await ask(space, token, { epoch, version: 6 })).toEqual([410, 'snapshot'])
  expect(await ask(space, token, { epoch, version: 7 })).toEqual([200, 'changes'])
})

test('A43 by count all of former histories goes, of a space that began anew and of one that was restored', async () => {
  const [reused, restored, other] = [await newSpace(4), await newSpace(4), await newSpace(4)]
  await api.mutate(reused.token, { space: reused.space, name: 'space.remove', args: {} })
  expect(await versionsIn(reused.space)).toEqual([1, 2, 3, 4, 5, 6, 7])
  await api.mutate(reused.token, { space: reused.space, name: 'space.create', args: { name: 'Anew' } })
  await sql`update spaces set epoch = gen_random_uuid() where id = ${restored.space}`
  const removed: number[] = []
  do removed.push(await pruneChangesByCount(sql, [reused.space, restored.space], retention, 5))
  while (removed.at(-1) === 5)
  expect(removed).toEqual([5, 5, 3])
  expect(await versionsIn(reused.space)).toEqual([1, 2])
  expect(await versionsIn(restored.space)).toEqual([])
  expect(await versionsIn(other.space)).toEqual([1, 2, 3, 4, 5, 6])
  const again = snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${reused.space}`, { token: reused.token })).body)
  expect(await ask(reused.space, reused.token, { epoch: again.epoch, version: 0 })).toEqual([200, 'changes'])
  expect(await ask(restored.space, restored.token, restored)).toEqual([410, 'snapshot'])
})

test('A43 a removed space keeps no more than others', async () => {
  const { space, token } = await newSpace(4)
  await api.mutate(token, { space, name: 'space.remove', args: {} })
  expect(await spacesChangedSince(sql, new Date(0))).toContain(space)
  expect(await spacesChangedSince(sql, undefined)).toContain(space)
  await pruneChangesByCount(sql, [space], { ...retention, logChanges: 2 }, 1000)
  expect(await versionsIn(space)).toEqual([6, 7])
})

test('A44 a log with a hole answers as one that does not reach back', async () => {
  const { space, token, epoch } = await newSpace(6)
  await sql`delete from changes where space = ${space} and version = 5`
  expect(await ask(space, token, { epoch, version: 3 })).toEqual([410, 'snapshot'])
  expect(await ask(space, token, { epoch, version: 5 })).toEqual([200, 'changes'])
})

test('A43 an outcome is forgotten when it is old enough, and not before', async () => {
  const { token, ids } = await newSpace(2)
  await sql`update mutations set at = now() - interval '2 hours' where id = ${ids[0] ?? ''}`
  await pruneLedger(sql, retention, 1000)
  const statuses = await Promise.all(
    ids.map(async (id) => (await api.ask('GET', `/v1/mutations/${id}`, { token })).status),
  )
  expect(statuses).toEqual([404, 200])
})

test('A43 writers go on while a pruning transaction is open', async () => {
  const { space, token, version } = await newSpace(4)
  await sql`update changes set at = now() - interval '2 hours' where space = ${space}`
  const pruning = await sql.reserve()
  await pruning`begin`
  expect(await pruneChangesByAge(pruning, retention, 1000)).toBeGreaterThanOrEqual(version)
  const id = uuid()
  const args = { id, type: 'utterance' as const, content: ['meanwhile'] }
  expect(await api.mutate(token, { id, space, name: 'intention.create', args })).toMatchObject([
    { status: 'applied', version: version + 1 },
  ])
  await pruning`commit`
  pruning.release()
})

test('A43 the node that leads prunes by itself', async () => {
  const other = await start({ LOG_KEEP_CHANGES: '3', PRUNE_INTERVAL_MS: '30' })
  const { space, version } = await newSpace(10)
  // The first node leads until it stops.
  await api.stop()
  await eventually('three are left', async () => (await versionsIn(space)).length === 3)
  expect(await versionsIn(space)).toEqual([version - 2, version - 1, version])
  expect(await (await fetch(`${other.url}/metrics`)).text()).toMatch(
    /rhizom_api_pruned_rows_total\{table="changes"\} [1-9]/,
  )
  await other.stop()
  api = await start()
})

test('A45 a database that lives on elsewhere begins a new history, once', async () => {
  const { space, token, epoch, version } = await newSpace(3)
  const { sql: one, drop } = await connect({ url: database.url, deadlineMs: 5000, name: 'test' })
  expect(await checkLineage(one)).toBe('same')
  await sql`update lineage set timeline = 'FFFFFFFF'`
  expect(await checkLineage(one)).toBe('new-history')
  expect(await checkLineage(one)).toBe('same')
  drop()
  const after = snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token })).body)
  expect(after.epoch).not.toBe(epoch)
  expect(after.version).toBe(version)
  expect(await ask(space, token, { epoch, version })).toEqual([410, 'snapshot'])
  expect(await ask(space, token, { epoch, version: version - 1 })).toEqual([410, 'snapshot'])
  expect(await ask(space, token, { epoch: after.epoch, version })).toEqual([200, 'changes'])
})

test('A45 a node that comes to lead finds out by itself', async () => {
  const { space, token, epoch } = await newSpace(1)
  await sql`update lineage set system_id = 'another'`
  await api.stop()
  api = await start()
  await eventually('its history is a new one', async () => {
    const { status, body } = await api.ask('GET', `/v1/spaces/${space}`, { token })
    return status === 200 && snapshotSchema.parse(body).epoch !== epoch
  })
  expect(await (await fetch(`${api.url}/metrics`)).text()).toMatch(/rhizom_api_new_histories_total 1/)
})

test('A150 a run of Postgres whose history has not begun anew is not used, by readers and by writers', async () => {
  const { space, token, epoch } = await newSpace(1)
  const held = postgres(database.url, { max: 1, onnotice: () => undefined })
  await held.unsafe(`select pg_advisory_lock(${ADVISORY_LOCKS.lineage})`)
  await api.stop()
  await sql`update lineage set timeline = 'FFFFFFFF'`
  // Nobody can find out while the lock is held.
  api = await start()
  const write = { id: uuid(), space, name: 'intention.create', args: { id: uuid(), type: 'utterance', content: ['x'] } }
  expect((await api.ask('GET', `/v1/spaces/${space}`, { token })).status).toBe(503)
  expect((await api.ask('POST', '/v1/mutations', { token, body: { mutations: [write] } })).status).toBe(503)
  await held.end()
  await eventually('it is served', async () => (await api.ask('GET', `/v1/spaces/${space}`, { token })).status === 200)
  expect(snapshotSchema.parse((await api.ask('GET', `/v1/spaces/${space}`, { token })).body).epoch).not.toBe(epoch)
})

test('A45 new-epochs.ts does the same by hand', async () => {
  const { space, token, epoch } = await newSpace(1)
  const entry = fileURLToPath(new URL('../new-epochs.ts', import.meta.url))
  const { status, stdout } = spawnSync(process.execPath, [entry], {
    env: { ...process.env, DATABASE_URL: database.url },
    encoding: 'utf8',
  })
  expect(status).toBe(0)
  expect(stdout).toMatch(/"spaces":[1-9]/)
  const { body } = await api.ask('GET', `/v1/spaces/${space}`, { token })
  expect(snapshotSchema.parse(body).epoch).not.toBe(epoch)
})
