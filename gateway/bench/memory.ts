/**
 * What an idle watcher costs a gateway: resident memory and V8's heap for each, once it was answered, got a heartbeat
 * and everything not needed any more was let go of; and the processor time of all of them for as long as they do
 * nothing. With another checkout both take their turn in one run; `--heap` says what the heap is made of, by
 * constructor.
 *
 *   TEST_REDIS_URL=… node gateway/bench/memory.ts [--connections 15000] [--spaces 1] [--present] [--against <tree>]
 *     [--idle <seconds to look at processor time>] [--heap]
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { LogServer, TEST_INTERNAL_TOKEN, TEST_SECRET, tokenFor } from '../src/testing/index.ts'
import { growth, type Held, type HeapSummary } from './heap-summary.ts'
import { startInspectedGateway } from './inspected-gateway.ts'
import { type CrowdOrder, gatherCrowd } from './watcher-crowd.ts'

const { values: flags } = parseArgs({
  options: {
    connections: { type: 'string', default: '15000' },
    spaces: { type: 'string', default: '1' },
    present: { type: 'boolean', default: false },
    against: { type: 'string' },
    idle: { type: 'string', default: '0' },
    heap: { type: 'boolean', default: false },
  },
})
const connections = Number(flags.connections)
const spaces = Number(flags.spaces)
const idleSeconds = Number(flags.idle)
const redisUrl = process.env['TEST_REDIS_URL']
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set')
const REDIS_URL = redisUrl
/** So that what a process fills once is not laid to the account of the rest. */
const FIRST = 200
const LISTED = 40

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const kilobytes = (bytes: number): string => `${(bytes / connections / 1000).toFixed(2)} kB`.padStart(10)

const api = await new LogServer().start()
const names = Array.from({ length: spaces }, (_none, index) => api.space(`@bench-${index}`).id)
const watchersOf = (count: number, prefix: string): Promise<CrowdOrder['watchers']> =>
  Promise.all(
    Array.from({ length: count }, async (_none, index) => ({
      token: await tokenFor(`@${prefix}-${index}`),
      space: names[index % names.length] ?? '',
    })),
  )

async function measure(name: string, tree: string): Promise<void> {
  const gateway = await startInspectedGateway(tree, {
    REDIS_URL,
    API_URL: api.url,
    API_INTERNAL_URL: api.url,
    TOKEN_SECRET: TEST_SECRET,
    INTERNAL_TOKEN: TEST_INTERNAL_TOKEN,
    LOG_LEVEL: 'warn',
    MAX_CONNECTIONS_PER_ADDRESS: `${connections + FIRST}`,
  })
  try {
    const gather = async (count: number, prefix: string) =>
      gatherCrowd({ url: gateway.url, present: flags.present, watchers: await watchersOf(count, prefix) })
    const first = await gather(FIRST, 'first')
    const [heapBefore, residentBefore] = [await gateway.heapBytes(), gateway.residentBytes()]
    const summaryBefore = flags.heap ? await gateway.summary() : undefined
    const crowd = await gather(connections, 'watcher')
    const residentAsIs = gateway.residentBytes() - residentBefore
    const heap = (await gateway.heapBytes()) - heapBefore
    const resident = gateway.residentBytes() - residentBefore
    const [cpuBefore, sinceMs] = [gateway.cpuMs(), performance.now()]
    await sleep(idleSeconds * 1000)
    const busy = (gateway.cpuMs() - cpuBefore) / (performance.now() - sinceMs)
    const idle = idleSeconds === 0 ? '' : `   idle ${(busy * 100).toFixed(2)} % of a core`
    print(
      `${name.padEnd(8)} heap ${kilobytes(heap)}   resident ${kilobytes(resident)}, before collecting${kilobytes(residentAsIs)}${idle}`,
    )
    if (summaryBefore !== undefined) list(summaryBefore, await gateway.summary())
    crowd.leave()
    first.leave()
  } finally {
    await gateway.stop()
  }
}

function list(before: HeapSummary, after: HeapSummary): void {
  const line = ([key, { count, bytes }]: [string, Held]): string =>
    `  ${(bytes / connections).toFixed(1).padStart(8)} B ${(count / connections).toFixed(2).padStart(7)} ${key.slice(0, 90)}`
  print('  of each connection: bytes, number, what')
  for (const one of growth(before, after).slice(0, LISTED)) print(line(one))
}

print(`${connections} watchers of ${spaces} ${spaces === 1 ? 'space' : 'spaces'}, ${flags.present ? 'here' : 'unseen'}`)
const own = join(import.meta.dirname, '../..')
try {
  if (flags.against !== undefined) await measure('before', flags.against)
  await measure(flags.against === undefined ? 'gateway' : 'after', own)
} finally {
  await api.stop()
}
