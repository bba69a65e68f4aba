/**
 * A whole rhizom for tests: real api and gateway processes over a database of its own and a given Redis, each node a
 * child process with its own log, to be killed and restarted on the same port. Who owns Postgres and Redis is the
 * caller's matter: the test run's shared ones, or ones started for a fault test.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { copyDatabase } from '@rhizom/api/testing/database-copy.ts'
import { type ChildWatch, underDeathSignal } from '@rhizom/infra/local/child.ts'
import { anyFreePort } from '@rhizom/infra/local/ports.ts'
import { eventually } from '@rhizom/kit/eventually.ts'
import { nodeStart } from '@rhizom/kit/node-start.ts'
import postgres from 'postgres'
import { migrate } from './migrate.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A node needs a second or two, and many times that on a machine that is busy with other work. */
const READY_WITHIN_MS = 90_000

export const freePort = (): Promise<number> => anyFreePort()

const freePorts = async (): Promise<{ open: number; internal: number }> => {
  const [open, internal] = await Promise.all([freePort(), freePort()])
  return { open, internal }
}

/** Asked at an internal address. */
export const isReady = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1_000) })).status === 200
  } catch {
    return false
  }
}

/** Two of an api or a gateway, one of what has but one. */
interface NodePorts {
  open: number
  internal: number
}

/** One node of the cluster, restartable on its port. */
export class ClusterNode {
  readonly name: string
  readonly url: string
  /** Where it says how it is, and an api what gateways ask. */
  readonly internalUrl: string
  readonly #entry: string
  readonly #env: Record<string, string>
  readonly #logFile: string
  readonly #watch: ChildWatch | undefined
  #process: ChildProcess | undefined

  constructor(
    name: string,
    entry: string,
    ports: NodePorts | number,
    env: Record<string, string>,
    logFile: string,
    watch?: ChildWatch,
  ) {
    this.name = name
    this.#watch = watch
    const { open, internal } = typeof ports === 'number' ? { open: ports, internal: ports } : ports
    this.url = `http://127.0.0.1:${open}`
    this.internalUrl = `http://127.0.0.1:${internal}`
    this.#entry = entry
    this.#env = { ...env, PORT: `${open}`, INTERNAL_PORT: `${internal}`, HOST: '127.0.0.1' }
    this.#logFile = logFile
  }

  get pid(): number {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error(`${this.name} does not run`)
    return pid
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** Starts the process and waits until it is ready. `env` adds to its settings for this run. */
  async start(env: Record<string, string> = {}): Promise<void> {
    this.spawn(env)
    await eventually(
      `${this.name} is ready (log: ${this.#logFile})`,
      () => {
        if (!this.isRunning) throw new Error(`${this.name} ended at start, see ${this.#logFile}`)
        return isReady(this.internalUrl)
      },
      READY_WITHIN_MS,
    )
  }

  spawn(env: Record<string, string> = {}): void {
    const log = createWriteStream(this.#logFile, { flags: 'a' })
    // Under a death signal, so that a test run that is killed leaves no node behind, not even a stopped one.
    const [file = '', ...words] = [...underDeathSignal('KILL'), process.execPath, this.#entry]
    const child = spawn(file, words, {
      cwd: root,
      detached: this.#watch !== undefined,
      env: {
        PATH: process.env['PATH'] ?? '',
        ...this.#env,
        ...env,
        ...nodeStart(env['NODE_OPTIONS'] ?? this.#env['NODE_OPTIONS']),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    child.once('close', () => log.end())
    const { pid } = child
    if (pid !== undefined && this.#watch !== undefined) {
      this.#watch.add(pid)
      child.once('exit', () => this.#watch?.remove(pid))
    }
    this.#process = child
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal)
  }

  /** Resolves with how the process ended. */
  async ended(withinMs = 30_000): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const child = this.#process
    if (child === undefined) throw new Error(`${this.name} does not run`)
    await eventually(`${this.name} ends`, () => !this.isRunning, withinMs)
    return { code: child.exitCode, signal: child.signalCode }
  }

  async kill(): Promise<void> {
    if (!this.isRunning) return
    this.signal('SIGKILL')
    await this.ended()
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return
    this.signal('SIGTERM')
    await this.ended()
  }
}

export interface ClusterOptions {
  apis?: number
  gateways?: number
  /** A server url with the right to create databases. */
  adminDatabaseUrl: string
  redisUrl: string
  env?: { api?: Record<string, string>; gateway?: Record<string, string> }
  /** What the parts connect to instead, as a proxy that can be cut. Told the url and the name of the node. */
  reroute?: {
    apiDatabaseUrl?: (url: string, node: string) => string
    apiRedisUrl?: (url: string, node: string) => string
    gatewayRedisUrl?: (url: string, node: string) => string
    gatewayApiUrl?: (url: string, node: string) => string
  }
  /** Called when the api nodes have their addresses, before any node starts. */
  apisPlaced?: (apis: readonly ClusterNode[]) => void
  /** Ends the nodes when this process is killed, also where the system knows no death signal. */
  watch?: ChildWatch
}

export interface Cluster {
  apis: ClusterNode[]
  gateways: ClusterNode[]
  /** The folder with a log of each node. */
  logs: string
  databaseUrl: string
  redisUrl: string
  internalToken: string
  /** Of the operator `tests`. */
  operatorToken: string
  tokenSecret: string
  stop(): Promise<void>
}

/** Reads a setting that the test run provides. */
export function provided(name: 'TEST_DATABASE_URL' | 'TEST_REDIS_URL'): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: run through npm test`)
  return value
}

/** Creates a database with its tables and starts the nodes. Nobody else uses the database. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const name = `rhizom_${process.pid}_${Date.now().toString(36)}_${Math.random().toString(36).slice(2, 8)}`
  const admin = postgres(options.adminDatabaseUrl, { max: 1, onnotice: () => {} })
  const databaseUrl = new URL(options.adminDatabaseUrl)
  databaseUrl.pathname = `/${name}`
  if (!(await copyDatabase(admin, databaseUrl))) {
    await admin.unsafe(`create database ${name}`)
    await migrate(databaseUrl.href)
  }

  const logs = `${root}/.local/test-logs/${name}`
  mkdirSync(logs, { recursive: true })
  const shared = {
    REDIS_URL: options.redisUrl,
    TOKEN_SECRET: randomBytes(32).toString('hex'),
    INTERNAL_TOKEN: randomBytes(16).toString('hex'),
    LOG_LEVEL: 'info',
  }
  const operatorToken = randomBytes(16).toString('hex')

  const apiEnv = (node: string): Record<string, string> => ({
    ...shared,
    OPERATOR_TOKENS: `tests:${operatorToken}`,
    DATABASE_URL: options.reroute?.apiDatabaseUrl?.(databaseUrl.href, node) ?? databaseUrl.href,
    REDIS_URL: options.reroute?.apiRedisUrl?.(shared.REDIS_URL, node) ?? shared.REDIS_URL,
    MUTATIONS_PER_SECOND: '100000',
    BODY_BYTES_PER_SECOND: '0',
    STORED_BYTES_PER_SECOND: '0',
    SPACE_BYTES_PER_SECOND: '0',
    SENT_BYTES_PER_SECOND: '0',
    MUTATIONS_BURST: '100000',
    ...options.env?.api,
  })
  const apis: ClusterNode[] = []
  for (let index = 0; index < (options.apis ?? 1); index += 1) {
    const name = `api-${index + 1}`
    const log = `${logs}/${name}.log`
    apis.push(new ClusterNode(name, 'api/src/main.ts', await freePorts(), apiEnv(name), log, options.watch))
  }
  options.apisPlaced?.(apis)
  const gateways: ClusterNode[] = []
  for (let index = 0; index < (options.gateways ?? 2); index += 1) {
    const api = apis[index % apis.length]
    const name = `gateway-${index + 1}`
    const internalApi = api?.internalUrl ?? ''
    const env = {
      ...shared,
      API_URL: api?.url ?? '',
      API_INTERNAL_URL: options.reroute?.gatewayApiUrl?.(internalApi, name) ?? internalApi,
      REDIS_URL: options.reroute?.gatewayRedisUrl?.(shared.REDIS_URL, name) ?? shared.REDIS_URL,
      ...options.env?.gateway,
    }
    const log = `${logs}/${name}.log`
    gateways.push(new ClusterNode(name, 'gateway/src/main.ts', await freePorts(), env, log, options.watch))
  }
  const nodes = [...apis, ...gateways]
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill()))
    await admin.unsafe(`drop database if exists ${name} with (force)`)
    await admin.end()
  }
  try {
    await Promise.all(apis.map((node) => node.start()))
    await Promise.all(gateways.map((node) => node.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    apis,
    gateways,
    logs,
    databaseUrl: databaseUrl.href,
    redisUrl: options.redisUrl,
    internalToken: shared.INTERNAL_TOKEN,
    operatorToken,
    tokenSecret: shared.TOKEN_SECRET,
    stop,
  }
}
