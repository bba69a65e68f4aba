/**
 * Connections that are lost while they open: the library's own queries are under way then, and ours wait behind them.
 */
import { targetOf, TcpProxy } from '@rhizom/kit/tcp-proxy.ts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Database, type Sql } from './database.ts'
import { failureOf } from './failure.ts'

const POOL = 2
const DEADLINE_MS = 250

let proxy: TcpProxy
let database: Database

beforeAll(async () => {
  const url = new URL(process.env['TEST_DATABASE_URL'] ?? '')
  proxy = await TcpProxy.listen('postgres', targetOf(url.href))
  url.port = `${proxy.port}`
  database = new Database({ url: url.href, poolSize: POOL, deadlineMs: DEADLINE_MS, name: 'opening' })
})

afterAll(async () => {
  await database.close()
  await proxy.close()
})

const answer = () =>
  database.use(async (sql) => sql<{ answer: string[] }[]>`select ${['a"b', 'c\\d', '']}::text[] as answer`)

test('A46 a connection lost at any byte of its opening and first answers is refused in time and costs no place', async () => {
  const refused: number[] = []
  for (let bytes = 0, answered = false; !answered; ) {
    proxy.cutAfterReceiving(bytes)
    const begunAt = performance.now()
    answered = await answer().then(
      () => true,
      (error: unknown) => {
        expect(failureOf(error), `after ${bytes} bytes: ${String(error)}`).toBe('away')
        return false
      },
    )
    const tookMs = performance.now() - begunAt
    if (!answered) refused.push(tookMs)
    // Lost before it is let in, the driver tries again until the deadline: wide steps there, narrow ones after.
    bytes += tookMs > DEADLINE_MS / 2 ? 40 : 3
    expect(bytes).toBeLessThan(4000)
  }
  expect(refused.length).toBeGreaterThan(10)
  expect([database.lent, database.waiting]).toEqual([0, 0])

  proxy.cutAfterReceiving(undefined)
  // The one that answered at last is kept, and cut by the next few bytes.
  await vi.waitFor(answer)
  const all = await Promise.all(Array.from({ length: POOL * 3 }, answer))
  expect(all.map(([row]) => row?.answer)).toEqual(all.map(() => '{"a\\"b","c\\\\d",""}'))
})

test.each([
  ['once', async (sql: Sql) => sql`select 1`],
  ['with a parameter', async (sql: Sql) => sql`select ${'x'}::text`],
  ['many at once', async (sql: Sql) => Promise.all(Array.from({ length: 20 }, () => sql`select 1`))],
])(
  'A66 what is asked of a connection in the moment after it was lost (%s) is refused, and ends nothing',
  async (_how, ask) => {
    const escaped: unknown[] = []
    const catchEscaped = (thrown: unknown): void => void escaped.push(thrown)
    process.on('uncaughtException', catchEscaped)
    try {
      const refusals: unknown[] = []
      await expect(
        database.use(async (sql) => {
          const waiting = sql`select pg_sleep(5)`
          const lost = waiting.catch(async (error: unknown) => {
            refusals.push(error)
            // As work does that has not heard of it yet: its next question comes with no turn between.
            await ask(sql).catch((refusal: unknown) => refusals.push(refusal))
          })
          proxy.cut()
          await lost
          throw refusals.at(-1)
        }),
      ).rejects.toThrow('Postgres does not answer')
      expect(refusals).toHaveLength(2)
      for (const refusal of refusals) expect(failureOf(refusal)).toBe('away')
      // An exception would come from a turn of its own.
      for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
      expect(escaped).toEqual([])
    } finally {
      process.off('uncaughtException', catchEscaped)
      proxy.reset()
      proxy.heal()
    }
    await vi.waitFor(answer)
  },
)

test.each([
  ['a parameter it does not know', (url: URL) => url.searchParams.set('pgbouncer', 'true'), 'pgbouncer'],
  ['another password', (url: URL) => (url.password = 'another'), 'password'],
  ['a database it does not have', (url: URL) => (url.pathname = '/no-such-database'), 'no-such-database'],
  ['a user it does not have', (url: URL) => (url.username = 'nobody-of-that-name'), 'nobody-of-that-name'],
])('A67 a Postgres that lets nobody in, for %s, is away, and the reason is told', async (_what, change, told) => {
  const url = new URL(process.env['TEST_DATABASE_URL'] ?? '')
  change(url)
  const shut = new Database({ url: url.href, poolSize: POOL, deadlineMs: 4000, name: 'shut' })
  for (let round = 0; round < POOL * 2; round += 1) {
    const failure: unknown = await shut.use((sql) => sql`select 1`).catch((error: unknown) => error)
    expect(failureOf(failure)).toBe('away')
    expect(failure instanceof Error && failure.cause instanceof Error && failure.cause.message).toContain(told)
  }
  expect([shut.lent, shut.waiting]).toEqual([0, 0])
  await shut.close()
})
