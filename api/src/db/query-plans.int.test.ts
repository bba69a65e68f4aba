/**
 * The queries of the hot paths, as the code runs them, explained over tables large enough that a scan would show.
 *
 * A plan follows from statistics, and without those of spaces a scan of that small table looks cheap. So they are made
 * of every row instead of a sample, nobody else makes them meanwhile, and a table without any is said to be the fault.
 */
import { emptyWorld } from '@rhizom/domain'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.ts'
import { uuid } from '../testing/test-api.ts'
import { readChanges, readHeads, readLatelyChanged } from './read/change-log.ts'
import { Database, type Sql } from './database.ts'
import { findOutcome, findOutcomes } from './write/ledger.ts'
import { storeWorld } from './write/store-world.ts'
import { readAdmissions } from './read/admission.ts'
import { findBeing, findBeings } from './read/beings.ts'
import { readLongGone } from './read/long-gone.ts'
import { readBefore } from './read/intentions.ts'
import { listBeings, listSpaces } from './read/lists.ts'
import { loadWorld } from './write/load-world.ts'
import type { PageSize } from './read/pages.ts'
import { readLatelyRemoved, readRemoved } from './read/removed-beings.ts'
import { pruneChangesByCount } from './write/retention.ts'
import { isThere, listSessions, readEnded, readLatelyEnded } from './read/sessions.ts'
import { beginSession, endSession, useRenewal } from './write/sessions.ts'
import { readSnapshot } from './read/snapshot.ts'
import { readRoles, readSpace } from './read/access.ts'
import { readNews, readNewsOf } from './read/news.ts'
import { setListed } from './write/listing.ts'
import { markRead } from './write/reads.ts'
import { findInvite, listInvites } from './read/invites.ts'
import { makeInvite, pruneInvites, revokeInvite } from './write/invites.ts'
import { readWork } from './read/work.ts'
import { spacesWithExpiredLeases } from './write/expire-leases.ts'
import { countMembers, countOwned, isKeptForAnother } from './read/quotas.ts'
import { readBots } from './write/load-replies.ts'
import { lockSilentGuests } from './write/silent-guests.ts'

const SPACES = 10_000
const TABLES = [
  'beings',
  'changes',
  'identities',
  'intentions',
  'invites',
  'members',
  'mutations',
  'reads',
  'sessions',
  'spaces',
]
/** Postgres looks at 300 rows for each: more than the largest table has. */
const STATISTICS_TARGET = 400
const SESSION = '0193b2a0-0000-4000-8000-000000000007'
const epoch = '0193b2a0-0000-7000-8000-000000000001'
const space = {
  id: '@s7',
  name: 's',
  visibility: 'public' as const,
  epoch,
  version: 900,
  createdAt: 1,
}

const invite = { space: '@s7', secret: 's', role: 'member', by: '@b1', uses: 1, lifetimeMs: 60_000 } as const

let fresh: FreshDatabase
let database: Database
let said = ''

beforeAll(async () => {
  fresh = await freshDatabase()
  database = new Database({ url: fresh.url, poolSize: 1, deadlineMs: 60_000, name: 'plans' })
  await database.use(async (sql) => {
    // What the api asks of the planner would hide where a statement stands on nothing.
    for (const name of ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'])
      await sql`select set_config(${name}, 'on', false)`
    for (const table of TABLES) await sql`alter table ${sql(table)} set (autovacuum_enabled = false)`
    await sql`insert into spaces (id, name, visibility, epoch, version, created_at, changed_at)
      select '@s' || n, 's', case when n % 10 = 0 then 'public' else 'private' end, ${epoch}, 900, now(),
        now() - n * interval '1 minute' from generate_series(1, ${SPACES}) n`
    await sql`insert into beings (id, type, name, location, metadata, properties, content, rev, created_at, modified_at)
      select '@b' || n, 'guest', 'b', '@s' || (n % ${SPACES}), '{}', '{}', '[]', 1, now(), now() - n * interval '1 second'
      from generate_series(1, 40000) n`
    await sql`update beings set location = null, removed_at = now() - (substr(id, 3)::int) * interval '1 minute'
      where substr(id, 3)::int % 10 = 3`
    await sql`insert into intentions (id, type, state, owner, location, content, rev, position, created_at, modified_at)
      select gen_random_uuid(), 'utterance', 'complete', '@b' || (n % 40000), '@s' || (n % 200), '["x"]', 1, n, now(), now()
      from generate_series(1, 60000) n`
    await sql`insert into members (space, being, role)
      select '@s' || (n % ${SPACES}), '@b' || n, case when n < ${SPACES} then 'owner' else 'member' end
      from generate_series(1, 40000) n`
    await sql`insert into changes (space, epoch, version, kind, actor, mutation, body, at)
      select '@s' || (n % 100), ${epoch}, n / 100 + 1, 'being.remove', '@b1', gen_random_uuid(), '{"id":"@b1"}', now()
      from generate_series(0, 89999) n`
    await sql`insert into mutations (actor, id, status, at)
      select '@b' || (n % 500), gen_random_uuid(), 'applied', now() from generate_series(1, 60000) n`
    await sql`insert into sessions (id, being, family, secret, created_at, last_used_at, ended_at)
      select gen_random_uuid(), '@b' || (n % 20000), 'f', 's', now(), now(),
        case when n % 10 = 0 then now() - n * interval '1 second' end from generate_series(1, 60000) n`
    await sql`insert into identities (issuer, subject, being, created_at)
      select 'i', 's' || n, '@b' || n, now() from generate_series(1, 20000) n`
    await sql`insert into invites (id, space, secret, role, made_by, uses, uses_left, created_at, expires_at)
      select gen_random_uuid(), '@s' || (n % ${SPACES}), 's', 'member', '@b' || n, 1, 1, now(),
        now() + n * interval '1 second' from generate_series(1, 20000) n`
    await sql`insert into reads (being, space, version, at)
      select '@b' || n, '@s' || (n % ${SPACES}), 300, now() from generate_series(1, 40000) n`
    await sql.unsafe(`set default_statistics_target = ${STATISTICS_TARGET}`)
    await sql`analyze`
    const [row] = await sql<{ id: string }[]>`select id from intentions where location = '@s7' limit 1`
    said = row?.id ?? ''
  })
})

afterAll(async () => {
  await database.close()
  await fresh.drop()
})

/**
 * Runs `work` and explains each statement it sent, with the parameters it sent. Those of the work itself are rolled
 * back.
 */
function plansOf(work: (sql: Sql) => Promise<unknown>): Promise<string[]> {
  return database.use(async (sql) => {
    const sent: Sent[] = []
    const spy = new Proxy(sql, {
      apply(target, self, args: [TemplateStringsArray, ...unknown[]]) {
        const query: Sent = Reflect.apply(target, self, args)
        sent.push(query)
        return query
      },
    })
    await sql`begin`
    await work(spy)
    const plans: string[] = []
    for (const { statement, parameters } of sent) {
      // Pieces of statements are made the same way but never sent.
      if (statement === null) continue
      const rows = await sql.unsafe<{ 'QUERY PLAN': string }[]>(`explain ${statement.string}`, parameters ?? [])
      plans.push(`${statement.string}\n${rows.map((row) => row['QUERY PLAN']).join('\n')}`)
    }
    await sql`rollback`
    return plans
  })
}

/** What the driver keeps of a query after it was sent. */
interface Sent {
  statement: { string: string } | null
  parameters?: string[]
}

const page = (items: number): PageSize => ({ items, bytes: 1_048_576 })

const retention = { logSeconds: 3600, logChanges: 890, ledgerSeconds: 3600 }

const moving = (['being.move', 'being.update'] as const).map((name) => ({
  actor: '@b1',
  epoch,
  mutation: { id: uuid(), space: '@s7', name, args: { id: '@b7' } },
}))

test('A19 the plans follow from what is known of every table', async () => {
  const known = await database.use(
    (sql) => sql<{ table: string }[]>`
      select distinct tablename as table from pg_stats where schemaname = 'public' and tablename = any(${TABLES}::text[])
      order by 1`,
  )
  expect(known.map(({ table }) => table)).toEqual(TABLES)
})

test.each<[string, (sql: Sql) => Promise<unknown>]>([
  ['access to a space', (sql) => readSpace(sql, '@s7', { being: '@b1' })],
  [
    'a snapshot',
    (sql) => readSnapshot(sql, space, { beings: page(500), intentions: page(200), authorBytes: 1_048_576 }),
  ],
  ['older intentions', (sql) => readBefore(sql, space, said, page(100))],
  ['the log', (sql) => readChanges(sql, { ...space, version: 900 }, { epoch, version: 850 }, page(500))],
  ['heads asked for', (sql) => readHeads(sql, ['@s1', '@s2', '@s3'])],
  ['heads announced', (sql) => readLatelyChanged(sql, 10_000)],
  ['removed beings', (sql) => readRemoved(sql, { since: 0 }, 86_400_000, 5000)],
  ['removed beings after a place', (sql) => readRemoved(sql, { since: Date.now(), after: '@b7' }, 86_400_000, 5000)],
  ['removed beings announced', (sql) => readLatelyRemoved(sql, 10_000, 1000)],
  ['the list of spaces', (sql) => listSpaces(sql, '@b1', '@s2', 50)],
  ['beings of a space', (sql) => listBeings(sql, '@s7', '@b1', page(50))],
  ['beings by id', (sql) => findBeings(sql, '@b1', ['@b7', '@b8'], 1_048_576)],
  ['guests long gone', async (sql) => readLongGone(sql, 3600, 500)],
  ['guests that left no trace', (sql) => lockSilentGuests(sql, 3600, 500)],
  ['what an owner has', (sql) => countOwned(sql, '@b1', ['space'], 100)],
  ['how many members there are', (sql) => countMembers(sql, '@s7', ['@b1', '@b2'], 100)],
  ['whether what was made is listed', (sql) => setListed(sql, '@b1', '@s7', 100)],
  ['whose a removed address is', (sql) => isKeptForAnother(sql, '@s7', '@b1', 3600)],
  ['an invite that is shown', (sql) => findInvite(sql, SESSION, 's', '@b1')],
  ['invites of a space', (sql) => listInvites(sql, '@s7')],
  ['an invite that is made', (sql) => makeInvite(sql, { ...invite, id: uuid() }, 100)],
  ['an invite that is revoked', (sql) => revokeInvite(sql, '@s7', SESSION)],
  ['invites that have ended', (sql) => pruneInvites(sql, 5000)],
  ['one being', (sql) => findBeing(sql, '@b7')],
  ['whether a session is there', (sql) => isThere(sql, '@b7', SESSION)],
  ['sessions of a being', (sql) => listSessions(sql, '@b7', undefined)],
  ['sessions that ended', (sql) => readEnded(sql, { since: 0 }, 3_600_000, 5000)],
  ['sessions that ended announced', (sql) => readLatelyEnded(sql, 10_000, 1000)],
  ['a session that begins', (sql) => beginSession(sql, '@b7', { session: uuid(), family: 'f', secret: 's' }, 100)],
  ['a session that is renewed', (sql) => useRenewal(sql, { session: SESSION, family: 'f', secret: 's' }, ['n'], 1)],
  ['a session that ends', (sql) => endSession(sql, '@b7', SESSION)],
  ['the members of a space', (sql) => readRoles(sql, '@s7')],
  ['whether there is a space', (sql) => readAdmissions(sql, [{ actor: '@b1', session: SESSION, space: '@s7' }])],
  ['outcomes', (sql) => findOutcomes(sql, '@b1', [uuid(), uuid()])],
  ['an outcome', (sql) => findOutcome(sql, '@b1', uuid())],
  ['what waits for a bot', (sql) => readWork(sql, '@b7', page(20))],
  ['what is new to beings', (sql) => readNews(sql, ['@b7', '@b8', '@b9'])],
  ['what is new in some spaces', (sql) => readNewsOf(sql, { '@s7': ['@b7', '@b8'], '@s20': ['@b9', '@b20'] })],
  ['how far a space is read', (sql) => markRead(sql, '@b20', '@s20', 700)],
  ['claims whose lease ran out', (sql) => spacesWithExpiredLeases(sql)],
  ['bots that an utterance may wake', (sql) => readBots(sql, ['@s7'])],
  ['what is too much of the log', (sql) => pruneChangesByCount(sql, ['@s7', '@s8'], retention, 5000)],
  [
    'what a commit reads and locks',
    (sql) =>
      loadWorld(
        sql,
        ['@s7'],
        [
          ...moving,
          {
            actor: '@b2',
            epoch,
            mutation: { id: uuid(), space: '@s7', name: 'member.remove', args: { being: '@b1' } },
          },
          { actor: '@b2', epoch, mutation: { id: uuid(), space: '@s7', name: 'intention.remove', args: { id: said } } },
        ],
      ),
  ],
  [
    'what a commit of several spaces reads and locks',
    (sql) =>
      loadWorld(
        sql,
        ['@s7', '@s8'],
        ['@s7', '@s8'].map((space) => ({
          actor: '@b2',
          epoch,
          mutation: {
            id: uuid(),
            space,
            name: 'intention.create',
            args: { id: uuid(), type: 'utterance', content: [] },
          },
        })),
        false,
      ),
  ],
  [
    'what a removal reads and locks',
    (sql) =>
      loadWorld(
        sql,
        [],
        [{ actor: '@b7', epoch, mutation: { id: uuid(), space: null, name: 'being.remove', args: { id: '@b7' } } }],
      ),
  ],
  [
    'where removed words are',
    (sql) => {
      const body = { id: said }
      const header = { version: 901, at: 1, actor: '@b1', mutation: uuid() }
      const change = { ...header, kind: 'intention.remove', body } as const
      const world = emptyWorld()
      const changes = [{ space: '@s7', epoch, change }]
      return storeWorld(sql, { before: world, after: world, formerSpaces: new Set(), changes, at: 1 })
    },
  ],
])('A19 %s', async (_what, work) => {
  const plans = await plansOf(work)
  expect(plans.length).toBeGreaterThan(0)
  for (const plan of plans) expect(plan).not.toMatch(/Seq Scan on/)
})
