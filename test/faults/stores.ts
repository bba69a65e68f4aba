/**
 * Postgres and Redis of the rig's own: real servers on fixed ports, which can be killed, frozen and started again, and
 * a second Redis that replicates the first through a link that can lag. Durable as in production: Postgres keeps its
 * settings, so what it acknowledged before a kill must be there after it.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, chownSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildWatch } from '@rhizom/infra/local/child.ts'
import { anyFreePort } from '@rhizom/infra/local/ports.ts'
import { startPostgres } from '@rhizom/infra/local/postgres.ts'
import { startRedis } from '@rhizom/infra/local/redis.ts'
import type { Service } from '@rhizom/infra/local/service.ts'
import { Redis } from 'ioredis'
import { processTree, signalTree } from './process-signals.ts'
import { targetOf, TcpProxy } from '../kit/tcp-proxy.ts'

/** A server that comes back on its port. */
export class Store {
  readonly name: string
  readonly url: string
  readonly #start: () => Promise<Service>
  #service: Service
  #running = true

  private constructor(name: string, service: Service, start: () => Promise<Service>) {
    this.name = name
    this.url = service.url
    this.#service = service
    this.#start = start
  }

  static async start(name: string, start: () => Promise<Service>): Promise<Store> {
    return new Store(name, await start(), start)
  }

  get pid(): number {
    return this.#service.pid
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#running = false
    await this.#service.stop(signal)
  }

  /** Every process of it at once, as when the machine is lost. */
  async kill(): Promise<void> {
    this.#running = false
    const tree = processTree(this.pid)
    for (const pid of tree.toReversed()) signalTree(pid, 'SIGKILL')
    await this.#service.exited
  }

  freeze(): void {
    signalTree(this.pid, 'SIGSTOP')
  }

  thaw(): void {
    signalTree(this.pid, 'SIGCONT')
  }

  async startAgain(): Promise<void> {
    if (this.#running) return
    this.#service = await this.#start()
    this.#running = true
  }

  async end(): Promise<void> {
    if (!this.#running) return
    this.thaw()
    await this.stop('SIGINT')
  }
}

/** Where its data lies: `data` inside of this folder. */
export type PostgresStore = Store & { readonly folder: string }

export interface Stores {
  /** The Postgres in use. */
  postgres: PostgresStore
  /** The Redis in use, and the one that replicates it; a promotion swaps them. */
  redis: { primary: Store; replica: Store }
  replication: TcpProxy
  /** Makes the replica follow the primary through the replication link. */
  follow(): Promise<void>
  /** A Postgres that replicates the one in use through a link of its own, which restarts once for it. */
  standBy(link: TcpProxy): Promise<PostgresStore>
  stop(): Promise<void>
}

export async function startStores(directory: string, watch: ChildWatch): Promise<Stores> {
  const ports = { first: await anyFreePort(), second: await anyFreePort() }
  const redisOn = (name: string, port: number) =>
    Store.start(name, () =>
      startRedis({
        directory: join(directory, name),
        port,
        watch,
        args: ['--repl-diskless-sync-delay', '0', '--repl-timeout', '60'],
      }),
    )
  const postgresIn = async (name: string, settings: Record<string, string>): Promise<PostgresStore> => {
    const folder = join(directory, name)
    const port = await anyFreePort()
    const store = await Store.start(name, () => startPostgres({ directory: folder, port, settings, watch }))
    return Object.assign(store, { folder })
  }
  const [postgres, primary, replica] = await Promise.all([
    postgresIn('postgres', {}),
    redisOn('redis-1', ports.first),
    redisOn('redis-2', ports.second),
  ])
  const replication = await TcpProxy.listen('replica→primary', targetOf(primary.url))
  let replicas = 0
  const stores: Stores = {
    postgres,
    redis: { primary, replica },
    replication,
    async follow() {
      replication.retarget(targetOf(stores.redis.primary.url))
      replication.heal()
      await withRedis(stores.redis.replica.url, (client) => client.replicaof('127.0.0.1', replication.port))
    },
    async standBy(link) {
      const { postgres: leader } = stores
      replicas += 1
      const name = `postgres-replica-${replicas}`
      await leader.stop('SIGINT')
      copyFolder(leader.folder, join(directory, name))
      makeFile(join(directory, name, 'data'), 'standby.signal', '')
      await leader.startAgain()
      link.retarget(targetOf(leader.url))
      const { username, password } = new URL(leader.url)
      const conninfo = `host=127.0.0.1 port=${link.port} user=${username} password=${password}`
      return postgresIn(name, { primary_conninfo: conninfo })
    },
    async stop() {
      await Promise.all([stores.postgres.end(), primary.end(), replica.end()])
      await replication.close()
    },
  }
  await stores.follow()
  return stores
}

/** Copies a folder with its owners and modes, as a backup of a server that does not run. */
export function copyFolder(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true })
  const { status, stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${from} cannot be copied: ${stderr}`)
}

/** Writes into a file of a server's folder, which stays the server's own. */
export function makeFile(folder: string, name: string, added: string): void {
  const file = join(folder, name)
  appendFileSync(file, added)
  const { uid, gid } = statSync(folder)
  chownSync(file, uid, gid)
}

/** Runs commands over a connection of their own. */
export async function withRedis<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: null,
    connectTimeout: 2_000,
    commandTimeout: 3_000,
  })
  let problem: Error | undefined
  client.on('error', (error: Error) => {
    problem = error
  })
  try {
    await client.connect()
    return await work(client)
  } catch (error) {
    throw problem ?? error
  } finally {
    client.disconnect()
  }
}
