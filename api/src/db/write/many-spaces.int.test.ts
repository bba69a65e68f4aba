/** One transaction for many spaces, on a real Postgres: what fails or waits in one of them concerns no other. */
import type { RequestedMutation } from '@rhizom/domain'
import type { BeingId, Mutation, SpaceId } from '@rhizom/protocol'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.ts'
import { freshId, startApi, type TestApi, uuid, type Wanted } from '../../testing/test-api.ts'
import { Database } from '../database.ts'
import { commitParts, type SpaceUnits } from './commit.ts'
import { GroupCommit } from './group-commit.ts'
import { createGuest } from './guests.ts'
import { loadWorld } from './load-world.ts'

const NODES = 3
const SPACES = 12

let fresh: FreshDatabase
let database: Database
let sql: postgres.Sql
let spaces: SpaceId[]
const apis: TestApi[] = []
const writer: BeingId = freshId('writer')

beforeAll(async () => {
  fresh = await freshDatabase()
  database = new Database({ url: fresh.url, poolSize: 6, deadlineMs: 10_000, name: 'test' })
  sql = postgres(fresh.url, { max: 2 })
  await database.use((lent) => createGuest(lent, writer, 'Writer'))
  spaces = Array.from({ length: SPACES }, () => freshId('space')).sort()
  const { writes } = recorded()
  await Promise.all(spaces.map((space) => writes.submit(space, { actor: writer, mutations: [creating(space)] })))
})

afterEach(async () => {
  for (const api of apis.splice(0)) await api.stop()
})

afterAll(async () => {
  await sql.end()
  await database.close()
  await fresh.drop()
})

const creating = (space: SpaceId): Mutation => ({ id: uuid(), space, name: 'space.create', args: { name: 'Space' } })
const saying = (space: SpaceId, text: string): Mutation & { space: SpaceId } => {
  const args = { id: uuid(), type: 'utterance' as const, content: [text] }
  return { id: uuid(), space, name: 'intention.create', args }
}

const requestedOf = (parts: readonly SpaceUnits[]): RequestedMutation[] =>
  parts.flatMap(({ units }) =>
    units.flatMap(({ actor, mutations }) =>
      mutations.map((mutation) => ({ actor, mutation, epoch: uuid(), newReplyId: uuid })),
    ),
  )

interface Tried {
  spaces: (SpaceId | null)[]
  patient: boolean
}

/** Writes to the database of this test, and which spaces shared a transaction. */
function recorded() {
  const tried: Tried[] = []
  const writes = new GroupCommit({
    commit: (parts: readonly SpaceUnits[], patient) => {
      tried.push({ spaces: parts.map(({ space }) => space), patient })
      return commitParts(database, parts, patient, { maxContentBytes: 65_536, onRetry: () => undefined })
    },
    committed: () => undefined,
    onFault: (thrown) => {
      throw thrown
    },
    maxMutations: 500,
    maxTransactions: 1,
    maxPatient: 2,
    maxQueued: 10_000,
    maxWaitMs: 10_000,
  })
  const say = (space: SpaceId, text = 'x') => writes.submit(space, { actor: writer, mutations: [saying(space, text)] })
  return { tried, say, writes }
}

const versionOf = async (space: SpaceId): Promise<number> => {
  const [row] = await sql<{ version: string }[]>`select version from spaces where id = ${space}`
  return Number(row?.version)
}

test('A260 what waits in many spaces is committed by one transaction, each space at its next version', async () => {
  const { tried, say } = recorded()
  const before = await Promise.all(spaces.map(versionOf))
  const outcomes = await Promise.all(spaces.map((space) => say(space)))
  expect(outcomes.map(({ status }) => status)).toEqual(spaces.map(() => 'decided'))
  expect(tried).toEqual([{ spaces, patient: false }])
  expect(await Promise.all(spaces.map(versionOf))).toEqual(before.map((version) => version + 1))
})

test('A264 what Postgres refuses in one space fails alone: all others of the transaction are committed', async () => {
  const { say } = recorded()
  const before = await Promise.all(spaces.map(versionOf))
  // No text of Postgres holds this character; the schemas of the protocol let none through.
  const told = await Promise.allSettled(spaces.map((space, n) => say(space, n === 5 ? '\u0000' : 'x')))
  expect(told.map(({ status }) => status === 'rejected')).toEqual(spaces.map((_space, n) => n === 5))
  expect(await Promise.all(spaces.map(versionOf))).toEqual(before.map((version, n) => version + (n === 5 ? 0 : 1)))
})

test('A262 a space whose lock another node holds is waited for, and nobody of the others waits with it', async () => {
  const { tried, say } = recorded()
  const [held = '', ...others] = spaces
  const holder = await sql.reserve()
  let isDone = false
  try {
    await holder`begin`
    await holder`select from spaces where id = ${held} for no key update`
    const waiting = say(held).then(() => (isDone = true))
    await Promise.all(others.map((space) => say(space)))
    await Promise.all(others.map((space) => say(space)))
    expect(isDone).toBe(false)
    await holder`commit`
    await waiting
  } finally {
    holder.release()
  }
  expect(tried.filter(({ patient }) => patient)).toEqual([{ spaces: [held], patient: true }])
})

test('A265 nodes that write to the same spaces at the same time get in no deadlock and leave no gap', async () => {
  for (let n = 0; n < NODES; n += 1) apis.push(await startApi({ databaseUrl: fresh.url }))
  const [first] = apis
  if (first === undefined) throw new Error('no api')
  const people = await Promise.all(Array.from({ length: 6 }, (_none, n) => first.signIn(`Person ${n}`)))
  const before = new Map(await Promise.all(spaces.map(async (space) => [space, await versionOf(space)] as const)))
  const sent: Wanted[] = []
  const posts = people.flatMap(({ token, being }, n) =>
    Array.from({ length: 4 }, async (_none, stream) => {
      const api = apis[(n + stream) % NODES] ?? first
      for (let round = 0; round < 15; round += 1) {
        const space = spaces[(round * 5 + n * 7 + stream) % SPACES] ?? ''
        const wanted = [saying(space, 'x'), saying(spaces[(n + round) % SPACES] ?? '', 'y')]
        sent.push(...wanted)
        const results = await api.mutate(token, ...wanted)
        expect(results.map(({ status }) => status)).toEqual(['applied', 'applied'])
        if (stream > 0 || round % 5 > 0) continue
        await api.mutate(token, { space, name: 'being.move', args: { id: being.id } })
      }
    }),
  )
  await Promise.all(posts)
  // A connection that ends tells what happened on it.
  for (const api of apis.splice(0)) await api.stop()
  const [stats] = await sql<{ deadlocks: string }[]>`
    select deadlocks from pg_stat_database where datname = current_database()`
  expect(Number(stats?.deadlocks)).toBe(0)
  for (const space of spaces) {
    const changes = await sql<{ version: string; mutation: string }[]>`
      select version, mutation from changes where space = ${space} and version > ${before.get(space) ?? 0} order by version`
    const versions = changes.map(({ version }) => Number(version))
    expect(versions).toEqual(versions.map((_version, n) => (before.get(space) ?? 0) + 1 + n))
    expect(await versionOf(space)).toBe(versions.at(-1))
    const said = sent.filter((wanted) => wanted.space === space).map(({ id }) => id)
    const logged = changes.map(({ mutation }) => mutation)
    for (const id of said) expect(logged.filter((mutation) => mutation === id)).toHaveLength(1)
  }
}, 60_000)

test('A350 a statement is planned once, and reads through no table, also where it was planned while tables were empty', async () => {
  const empty = await freshDatabase()
  const one = new Database({ url: empty.url, poolSize: 1, deadlineMs: 10_000, name: 'test' })
  const commit = (parts: readonly SpaceUnits[]) =>
    commitParts(one, parts, false, { maxContentBytes: 65_536, onRetry: () => undefined })
  try {
    await one.use((lent) => createGuest(lent, writer, 'Writer'))
    const units = spaces.map((space) => ({ space, units: [{ actor: writer, mutations: [creating(space)] }] }))
    await commitParts(one, units, true, { maxContentBytes: 65_536, onRetry: () => undefined })
    const oneEach = () =>
      spaces.map((space) => ({ space, units: [{ actor: writer, mutations: [saying(space, 'Hello.')] }] }))
    // Postgres makes up its mind about a statement within six.
    for (let nth = 0; nth < 8; nth += 1) await commit(oneEach().slice(0, (nth % SPACES) + 1))
    const readThrough = await one.use(async (lent) => {
      await lent`begin`
      await loadWorld(lent, spaces, requestedOf(oneEach()), false)
      const rows = await lent<{ table: string; reads: number }[]>`
        select relname as "table", seq_scan::int as reads from pg_stat_xact_user_tables where seq_scan > 0`
      await lent`rollback`
      return [...rows]
    })
    expect(readThrough).toEqual([])
    const plans = await one.use(
      (lent) => lent<{ made: number }[]>`
      select custom_plans::int as made from pg_prepared_statements where custom_plans > 0`,
    )
    expect([...plans]).toEqual([])
  } finally {
    await one.close()
    await empty.drop()
  }
})

test('A351 a transaction of writes is five statements, however many spaces and mutations it is of', async () => {
  const one = new Database({ url: fresh.url, poolSize: 1, deadlineMs: 10_000, name: 'test' })
  const asked = () =>
    one.use(async (lent) => {
      const [row] = await lent<{ count: number }[]>`
        select sum(generic_plans + custom_plans)::int as count from pg_prepared_statements
        where statement not like '%pg_prepared_statements%'`
      return row?.count ?? 0
    })
  const commit = (parts: readonly SpaceUnits[]) =>
    commitParts(one, parts, false, { maxContentBytes: 65_536, onRetry: () => undefined })
  try {
    for (const width of [1, SPACES]) {
      const before = await asked()
      const parts = spaces.slice(0, width).map((space) => {
        const mutations = [saying(space, 'One.'), saying(space, 'Two.')]
        return { space, units: [{ actor: writer, mutations }] }
      })
      const { outcomes } = await commit(parts)
      expect(outcomes.flat().every((outcome) => outcome !== 'passed-over')).toBe(true)
      expect((await asked()) - before).toBe(5)
    }
  } finally {
    await one.close()
  }
})
