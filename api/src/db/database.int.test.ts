/** Connections that are lost while they open: the library's own queries are under way then, and ours wait behind them. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type TcpProxy, tcpProxy } from '../testing/tcp-proxy.ts'
import { Database } from './database.ts'
import { failureOf } from './failure.ts'

const POOL = 2
const DEADLINE_MS = 250

let proxy: TcpProxy
let database: Database

beforeAll(async () => {
  const url = new URL(process.env['TEST_DATABASE_URL'] ?? '')
  proxy = await tcpProxy({ host: url.hostname, port: Number(url.port) })
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
  expect(refused.length).toBeGreaterThan(30)
  expect([database.lent, database.waiting]).toEqual([0, 0])

  proxy.cutAfterReceiving(undefined)
  // The one that answered at last is kept, and cut by the next few bytes.
  await vi.waitFor(answer)
  const all = await Promise.all(Array.from({ length: POOL * 3 }, answer))
  expect(all.map(([row]) => row?.answer)).toEqual(all.map(() => '{"a\\"b","c\\\\d",""}'))
})
