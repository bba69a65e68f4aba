/**
 * Everything that can fail, in one place: the stores, two api nodes, the gateways, and a link with a name between any
 * two of them. Who writes and who watches is the matter of clients.ts, what fails when is the drill's (drill.ts).
 *
 *   clients ─► gateway-k ─► api-1, api-2 ─► postgres        each arrow is a proxy that can be cut or blackholed
 *                  └──────────┴────────► redis ◄─ replica
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startGuard } from '@rhizom/infra/local/guard.ts'
import { cacheDirectory } from '@rhizom/infra/local/places.ts'
import postgres from 'postgres'
import { eventually } from '@rhizom/kit/eventually.ts'
import { type Cluster, type ClusterNode, isReady, startCluster } from '../cluster/cluster.ts'
import { LagMeter } from '../cluster/lag-meter.ts'
import { FrontProxy } from '../integration/front-proxy.ts'
import { startStores, type Stores } from './stores.ts'
import { targetOf, TcpProxy } from '../kit/tcp-proxy.ts'

export type LinkKind = 'api→postgres' | 'api→redis' | 'gateway→redis' | 'gateway→api' | 'clients→gateway'

export interface Link {
  kind: LinkKind
  /** The node at its near end, or at its far end where clients are at the near one. */
  node: string
  proxy: TcpProxy
}

/** Where the logs of spaces end. */
export type Heads = ReadonlyMap<string, { epoch: string; version: number }>

export interface RigOptions {
  gateways: number
  env?: { api?: Record<string, string>; gateway?: Record<string, string> }
}

export interface Rig {
  readonly stores: Stores
  readonly cluster: Cluster
  readonly apis: readonly ClusterNode[]
  readonly gateways: readonly ClusterNode[]
  readonly links: readonly Link[]
  /** What clients connect to. */
  readonly doors: readonly string[]
  /** What stands before the api and all doors, and lets through what it likes. */
  readonly front: FrontProxy
  readonly logs: string
  /** The database as the rig sees it, past all links. */
  readonly sql: postgres.Sql
  linksOf(kind: LinkKind): Link[]
  /** The newest position of each space, read from Postgres itself. */
  heads(spaces: readonly string[]): Promise<Map<string, { epoch: string; version: number }>>
  /** The api node that announces heads, if one does. */
  announcer(): Promise<ClusterNode | undefined>
  /** Resolves when every node calls itself ready and one of them announces heads. */
  untilReady(withinMs: number): Promise<void>
  /** What the machine owed meanwhile: nodes and this process stood in line for it. */
  owed(from: number, to: number): number
  /** How long something took that began then, without what the machine owed. */
  took(from: number): number
  /** How many lines the nodes have logged. */
  logLines(): number
  /** The Redis that is in use takes over all links to Redis. */
  pointAtPrimary(): void
  /** The same for Postgres, also for what the rig itself asks it. */
  pointAtPostgres(): void
  /** Makes everything run and every link carry again, whatever a failed drill left behind. */
  mend(): Promise<void>
  stop(): Promise<void>
}

/** Short, so that a client notices a dead connection within a drill. */
export const HEARTBEAT_MS = 1_000

export async function startRig(options: RigOptions): Promise<Rig> {
  const directory = join(cacheDirectory, '..', 'faults', `rig-${process.pid}-${Date.now().toString(36)}`)
  mkdirSync(directory, { recursive: true })
  const guard = startGuard()
  const stores = await startStores(directory, guard)
  const links: Link[] = []
  const link = async (kind: LinkKind, node: string): Promise<TcpProxy> => {
    const proxy = await TcpProxy.listen(`${node} (${kind})`)
    links.push({ kind, node, proxy })
    return proxy
  }
  const names = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`)
  const gatewayNames = names('gateway', options.gateways)
  const apiNames = names('api', 2)
  for (const name of apiNames) await Promise.all([link('api→postgres', name), link('api→redis', name)])
  for (const name of gatewayNames) {
    await Promise.all([link('gateway→redis', name), link('clients→gateway', name)])
    for (const _ of apiNames) await link('gateway→api', name)
  }
  const linksOf = (kind: LinkKind): Link[] => links.filter((each) => each.kind === kind)
  const through = (kind: LinkKind, node: string, url: string): string => {
    const proxy = links.find((each) => each.kind === kind && each.node === node)?.proxy
    proxy?.retarget(targetOf(url))
    return proxy?.through(url) ?? url
  }
  const toApis = (node: string): string =>
    linksOf('gateway→api')
      .filter((each) => each.node === node)
      .map(({ proxy }) => `http://127.0.0.1:${proxy.port}`)
      .join(',')

  const cluster = await startCluster({
    apis: apiNames.length,
    gateways: options.gateways,
    adminDatabaseUrl: stores.postgres.url,
    redisUrl: stores.redis.primary.url,
    watch: guard,
    env: {
      api: { ...options.env?.api },
      gateway: { HEARTBEAT_MS: String(HEARTBEAT_MS), ...options.env?.gateway },
    },
    reroute: {
      apiDatabaseUrl: (url, node) => through('api→postgres', node, url),
      apiRedisUrl: (url, node) => through('api→redis', node, url),
      gatewayRedisUrl: (url, node) => through('gateway→redis', node, url),
      gatewayApiUrl: (_url, node) => toApis(node),
    },
    apisPlaced: (apis) => {
      for (const { node, proxy } of linksOf('gateway→api')) {
        const own = linksOf('gateway→api').filter((each) => each.node === node)
        const api = apis[own.findIndex((each) => each.proxy === proxy)]
        if (api !== undefined) proxy.retarget(targetOf(api.internalUrl))
      }
    },
  })
  const { apis, gateways, logs } = cluster
  for (const { node, proxy } of linksOf('clients→gateway')) {
    const gateway = gateways.find(({ name }) => name === node)
    if (gateway !== undefined) proxy.retarget(targetOf(gateway.url))
  }
  const doors = linksOf('clients→gateway').map(({ proxy }) => `http://127.0.0.1:${proxy.port}`)
  const front = await FrontProxy.listen(apis[0]?.url ?? '', doors)
  const own = await TcpProxy.listen('rig→postgres', targetOf(stores.postgres.url))
  const sql = postgres(own.through(cluster.databaseUrl), {
    max: 2,
    connect_timeout: 2,
    backoff: () => 0.05,
    onnotice: () => undefined,
  })

  const lag = new LagMeter([...apis, ...gateways])
  lag.start()

  const announcer = async (): Promise<ClusterNode | undefined> => {
    for (const api of apis) if (await announces(api.internalUrl)) return api
    return undefined
  }

  return {
    stores,
    cluster,
    apis,
    gateways,
    links,
    doors,
    front,
    logs,
    sql,
    linksOf,
    async heads(spaces) {
      const rows = await sql<{ id: string; epoch: string; version: string }[]>`
        select id, epoch, version from spaces where id = any(${[...spaces]})`
      return new Map(rows.map(({ id, epoch, version }) => [id, { epoch, version: Number(version) }]))
    },
    announcer,
    async untilReady(withinMs) {
      for (const { name, internalUrl } of [...apis, ...gateways])
        await eventually(`${name} is ready again`, () => isReady(internalUrl), withinMs)
      await eventually('an api node announces heads', async () => (await announcer()) !== undefined, withinMs)
    },
    owed: (from, to) => lag.lostThroughout(from, to),
    took(from) {
      const now = performance.now()
      return now - from - lag.lostThroughout(from, now)
    },
    logLines() {
      return readdirSync(logs).reduce((sum, file) => sum + readFileSync(join(logs, file), 'utf8').split('\n').length, 0)
    },
    pointAtPrimary() {
      const target = targetOf(stores.redis.primary.url)
      for (const { proxy } of [...linksOf('api→redis'), ...linksOf('gateway→redis')]) proxy.retarget(target)
    },
    pointAtPostgres() {
      const target = targetOf(stores.postgres.url)
      for (const { proxy } of [{ proxy: own }, ...linksOf('api→postgres')]) {
        proxy.retarget(target)
        proxy.reset()
      }
    },
    async mend() {
      for (const { proxy } of links) proxy.heal()
      front.heal()
      const { postgres: database, redis } = stores
      for (const store of [database, redis.primary, redis.replica]) {
        store.thaw()
        await store.startAgain()
      }
      await stores.follow()
      for (const node of [...apis, ...gateways]) {
        if (node.isRunning) node.signal('SIGCONT')
        else await node.start()
      }
    },
    async stop() {
      lag.stop()
      for (const { proxy } of links) proxy.heal()
      await sql.end({ timeout: 1 })
      await Promise.all([...apis, ...gateways].map((node) => node.kill()))
      // The database goes with its server, so nothing is dropped from it first.
      await stores.stop()
      await Promise.all([own, ...links.map(({ proxy }) => proxy)].map((proxy) => proxy.close()))
      front.close()
      guard.close()
      for (const name of readdirSync(directory)) rmSync(join(directory, name, 'data'), { recursive: true, force: true })
    },
  }
}

async function announces(api: string): Promise<boolean> {
  try {
    const metrics = await (await fetch(`${api}/metrics`, { signal: AbortSignal.timeout(1_000) })).text()
    return /^rhizom_api_heads_leader 1$/m.test(metrics)
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}
