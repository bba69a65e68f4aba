/**
 * Postgres for this machine: whether a server answers, a database of a given name in it, and one started here from
 * the binaries that npm brings, for tests and for the local system (which supervises it by itself, see parts.ts).
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { type Child, type ChildWatch, describeExit, startChild } from './child.ts'
import { anyFreePort } from './ports.ts'
import { type Binaries, type Cluster, openCluster } from './postgres-cluster.ts'
import type { Service } from './service.ts'
import type { Disguise } from './unprivileged.ts'
import { until } from './until.ts'

const READY_WITHIN_MS = 30_000
const ATTEMPTS = 5

export interface PostgresOptions {
  /** Holds the data and the password; what it held before is used again. */
  directory: string
  port?: number
  database?: string
  /** Server settings, as after `postgres -c`. */
  settings?: Record<string, string>
  logFile?: string
  watch?: ChildWatch
  disguise?: Disguise['name']
  binaries?: Binaries
}

/**
 * Loses what was written last when the machine fails, though not when the server is killed, and is quick: for tests,
 * never for data.
 */
export const FORGETFUL = { fsync: 'off', full_page_writes: 'off' } as const

const connect = (url: string) =>
  postgres(url, { max: 1, connect_timeout: 3, idle_timeout: 1, onnotice: () => undefined, prepare: false })

/** The version of the server that answers at this address; throws what it says instead. */
export async function askPostgres(url: string): Promise<string> {
  const sql = connect(url)
  try {
    const [row] = await sql<{ server_version: string }[]>`show server_version`
    return row?.server_version ?? 'unknown'
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** Makes the database that `url` names, over a connection to the one called postgres, unless it exists. */
export async function ensureDatabase(url: string): Promise<void> {
  const database = decodeURIComponent(new URL(url).pathname.slice(1))
  const administration = new URL(url)
  administration.pathname = '/postgres'
  const sql = connect(administration.href)
  try {
    const found = await sql`select 1 from pg_database where datname = ${database}`
    if (found.length === 0) await sql`create database ${sql(database)}`
  } finally {
    await sql.end({ timeout: 1 })
  }
}

export async function startPostgres(options: PostgresOptions): Promise<Service> {
  const { directory, watch, database = 'postgres', logFile = join(directory, 'postgres.log') } = options
  const cluster = await openCluster({
    directory,
    logFile,
    ...(watch && { watch }),
    ...(options.disguise && { disguise: options.disguise }),
    ...(options.binaries && { binaries: options.binaries }),
  })
  const port = options.port ?? (await anyFreePort())
  const child = await startUntilReady(cluster, port, { ...options, logFile })
  const url = cluster.urlOf(port, database)
  await ensureDatabase(url)
  return {
    url,
    port,
    pid: child.pid,
    exited: child.exited,
    // SIGINT is what Postgres calls a fast shutdown: it ends its connections and leaves the data clean.
    stop: (signal = 'SIGINT') => child.stop(signal, 15_000),
  }
}

/**
 * More than one attempt, because for some moments after a server was killed its orphaned backends still hold the shared
 * memory, and a successor refuses to start.
 */
async function startUntilReady(
  cluster: Cluster,
  port: number,
  { settings, logFile, watch }: PostgresOptions & { logFile: string },
): Promise<Child> {
  let said = ''
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    await cluster.clearRemains()
    const child = await startChild(cluster.commandFor(port, settings), logFile, watch)
    const answers = async (): Promise<boolean> => (await askPostgres(cluster.urlOf(port, 'postgres'))) !== ''
    if (await until(answers, { withinMs: READY_WITHIN_MS, giveUp: () => !child.running })) return child
    said = describeExit(await child.stop('SIGINT'))
    await sleep(attempt * 300)
  }
  throw new Error(`Postgres does not start (${said}); its output is in ${logFile}`)
}
