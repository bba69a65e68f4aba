/**
 * What durable writes over HTTP cost beside pgbench writing the same rows on the same server: 300 spaces with one
 * mutation a request, one hot space in the same way, the hot space in requests of twenty, each with 64 requests at a
 * time, and a lone write of a quiet space. All take turns in one run, several rounds, and what is printed are medians;
 * each ratio is of one round. Figures of different runs cannot be compared, and a former checkout can take part.
 *
 *   TEST_DATABASE_URL=… TEST_REDIS_URL=… node api/bench/writes.ts [--rounds 5] [--seconds 3] [--against <api main.ts>]
 *     [--only <part of a way's name>]
 *
 * The databases are made and dropped; flush to disk is what the server does. pgbench comes with Postgres.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { postSessionAnswerSchema } from '@rhizom/protocol'
import { v7 as uuidv7 } from 'uuid'
import { freshDatabase } from '../src/testing/index.ts'
import { type ApiProcess, startApiProcess } from './api-process.ts'
import { serverProcessorTime } from './server-processor-time.ts'
import { HttpConnection } from './http-load.ts'
import { hasPgbench, runPgbench } from './same-rows.ts'

const SPACES = 300
const AT_A_TIME = 64
const TWENTY = 20
const HOT = SPACES
const QUIET = SPACES + 1
const TEXT = 'a line of about the length of a usual message, which says something and then some more'

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    against: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})
const rounds = Number(flags.rounds)
const seconds = Number(flags.seconds)
const redisUrl = process.env['TEST_REDIS_URL']
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set')
if (!hasPgbench()) throw new Error('pgbench is not on the PATH: it comes with Postgres (Debian: postgresql-15)')

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const idOf = (space: number): string => `@bench-${space}`

function bodyOf(space: number, mutations: number): string {
  const one = () => ({
    id: uuidv7(),
    space: idOf(space),
    name: 'intention.create',
    args: { id: uuidv7(), type: 'utterance', content: [TEXT] },
  })
  return JSON.stringify({ mutations: Array.from({ length: mutations }, one) })
}

interface Subject {
  name: string
  api: ApiProcess
  databaseUrl: string
  tokens: string[]
  stop: () => Promise<void>
}

async function prepare(name: string, entry: string, redis: string): Promise<Subject> {
  const database = await freshDatabase()
  const api = await startApiProcess(entry, database.url, redis)
  const tokens = await Promise.all(
    Array.from({ length: AT_A_TIME }, async (_none, n) => {
      const body = JSON.stringify({ name: 'Writer', id: `@writer-${n}` })
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(new URL('/v1/sessions', api.url), { method: 'POST', headers, body })
      return postSessionAnswerSchema.parse(await response.json()).token
    }),
  )
  const connection = new HttpConnection(api.url)
  for (let space = 0; space <= QUIET; space += 1) {
    const mutation = { id: uuidv7(), space: idOf(space), name: 'space.create', args: { name: 'Bench' } }
    await connection.post('/v1/mutations', { token: tokens[0] ?? '', body: JSON.stringify({ mutations: [mutation] }) })
  }
  connection.close()
  const stop = async (): Promise<void> => {
    await api.stop()
    await database.drop()
  }
  return { name, api, databaseUrl: database.url, tokens, stop }
}

interface Measured {
  /** Mutations. */
  perSecond: number
  /** Of the api, for each request. */
  cpuMs: number
  /** Of Postgres, for each request; not a number where it is not of this machine. */
  serverMs: number
  /** Of whoever measures, for each request: it is on the same cores. */
  clientMs: number
  transactionsPerSecond: number
  p50Ms: number
  p99Ms: number
}

/** `pick` says which space the nth request is for. */
async function load(subject: Subject, atATime: number, mutations: number, pick: () => number): Promise<Measured> {
  const { api, tokens } = subject
  const connections = Array.from({ length: atATime }, () => new HttpConnection(api.url))
  const took: number[] = []
  const [cpuBefore, serverBefore, transactionsBefore] = [api.cpuMs(), serverMs(), await api.transactions()]
  const clientBefore = process.cpuUsage()
  const begunAt = performance.now()
  const end = begunAt + seconds * 1000
  await Promise.all(
    connections.map(async (connection, n) => {
      const token = tokens[n] ?? ''
      while (performance.now() < end) {
        const body = bodyOf(pick(), mutations)
        const sentAt = performance.now()
        const answer = await connection.post('/v1/mutations', { token, body })
        took.push(performance.now() - sentAt)
        if (!answer.includes('"applied"')) throw new Error(`not applied: ${answer}`)
      }
    }),
  )
  const passed = (performance.now() - begunAt) / 1000
  const cpuMs = (api.cpuMs() - cpuBefore) / took.length
  const ofServerMs = (serverMs() - serverBefore) / took.length
  const { user, system } = process.cpuUsage(clientBefore)
  const transactionsPerSecond = ((await api.transactions()) - transactionsBefore) / passed
  for (const connection of connections) connection.close()
  const sorted = took.sort((left, right) => left - right)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return {
    perSecond: (took.length * mutations) / passed,
    cpuMs,
    serverMs: ofServerMs,
    clientMs: (user + system) / 1000 / took.length,
    transactionsPerSecond,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  }
}

const WAYS: [string, (subject: Subject) => Promise<Measured>][] = [
  ['300 spaces, one a request', (s) => load(s, AT_A_TIME, 1, () => Math.floor(Math.random() * SPACES))],
  ['hot space, one a request', (s) => load(s, AT_A_TIME, 1, () => HOT)],
  ['hot space, twenty a request', (s) => load(s, AT_A_TIME, TWENTY, () => HOT)],
  ['lone write, one after another', (s) => load(s, 1, 1, () => QUIET)],
]

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? Number.NaN
const columns = (cells: readonly string[]): string => cells.map((cell, n) => cell.padEnd(n === 0 ? 42 : 12)).join('')

const own = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const subjects: Subject[] = []
const serverMs = await serverProcessorTime()
try {
  if (flags.against !== undefined) subjects.push(await prepare('before', flags.against, redisUrl))
  subjects.push(await prepare(flags.against === undefined ? 'api' : 'after', own, redisUrl))
  const [{ databaseUrl = '' } = {}] = subjects
  const floors: number[] = []
  const lone: number[] = []
  const measured = new Map<string, { ratio: number; of: Measured }[]>()
  // The first round warms what is compiled and cached, and is left out.
  for (let round = 0; round <= rounds; round += 1) {
    const floor = runPgbench(databaseUrl, SPACES, TEXT, AT_A_TIME, seconds)
    const alone = runPgbench(databaseUrl, SPACES, TEXT, 1, seconds)
    if (round > 0) floors.push(floor.perSecond)
    if (round > 0) lone.push(alone.meanMs)
    for (const [way, run] of WAYS.filter(([name]) => name.includes(flags.only)))
      for (const subject of subjects) {
        const of = await run(subject)
        const key = `${way}, ${subject.name}`
        if (round > 0) measured.set(key, [...(measured.get(key) ?? []), { ratio: of.perSecond / floor.perSecond, of }])
      }
  }
  print(`${rounds} rounds of ${seconds} s; pgbench, 64 clients: ${median(floors).toFixed(0)} transactions/s; `)
  print(`pgbench, one client: ${median(lone).toFixed(2)} ms a transaction`)
  print(
    columns([
      '',
      'mutations/s',
      'of pgbench',
      'ms of api',
      'of Postgres',
      'of client',
      'commits/s',
      'p50 ms',
      'p99 ms',
    ]),
  )
  for (const [key, all] of measured) {
    const of = (pick: (one: Measured) => number): number => median(all.map((one) => pick(one.of)))
    print(
      columns([
        key,
        of(({ perSecond }) => perSecond).toFixed(0),
        median(all.map(({ ratio }) => ratio)).toFixed(2),
        of(({ cpuMs }) => cpuMs).toFixed(3),
        of((one) => one.serverMs).toFixed(3),
        of((one) => one.clientMs).toFixed(3),
        of(({ transactionsPerSecond }) => transactionsPerSecond).toFixed(0),
        of(({ p50Ms }) => p50Ms).toFixed(1),
        of(({ p99Ms }) => p99Ms).toFixed(1),
      ]),
    )
  }
} finally {
  for (const { stop } of subjects) await stop()
}
