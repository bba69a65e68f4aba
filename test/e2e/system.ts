/**
 * What the browser tests look at: a cluster and the web client in front of it, the page as `npm start` serves it:
 * built, by its own server. Most files share one of these, in spaces and with people of their own; who stops nodes, or
 * sets them up in another way, has one of theirs.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Child, startChild } from '@rhizom/infra/local/child.ts'
import { buildPage } from '@rhizom/infra/local/page-build.ts'
import { cacheDirectory, repository } from '@rhizom/infra/local/places.ts'
import { eventually } from '@rhizom/kit/eventually.ts'
import { nodeStart } from '@rhizom/kit/node-start.ts'
import { z } from 'zod'
import { type Cluster, type ClusterOptions, freePort, provided, startCluster } from '../cluster/cluster.ts'

const systemSchema = z.object({
  apiUrl: z.string(),
  gatewayUrl: z.string(),
  webUrl: z.string(),
  /** The folder with a log of each process. */
  logs: z.string(),
})
export type System = z.infer<typeof systemSchema>

export interface OwnSystem extends System {
  cluster: Cluster
  stop(): Promise<void>
}

export interface SystemOptions extends Pick<ClusterOptions, 'env' | 'reroute'> {
  /** The folder of a page that is served in place of ours. */
  pageDirectory?: string
}

/** Where a test finds the system that it shares: told before that is up. */
const SHARED = 'TEST_SYSTEM_FILE'
const UP_WITHIN_MS = 180_000

/** Starts what most files share; resolves with what stops it, at once: tests wait for it, and others go on. */
export function shareSystem(directory: string): () => Promise<void> {
  const file = join(directory, `system-${process.pid}.json`)
  process.env[SHARED] = file
  // All files that share it are at it from one address.
  const env = { api: { SESSIONS_PER_SECOND: '0' }, gateway: { MAX_CONNECTIONS_PER_ADDRESS: '1000' } }
  const starting = startSystem({ env })
  const told = starting.then(({ apiUrl, gatewayUrl, webUrl, logs }) => {
    writeFileSync(`${file}.unfinished`, JSON.stringify({ apiUrl, gatewayUrl, webUrl, logs }))
    renameSync(`${file}.unfinished`, file)
  })
  told.catch((error: unknown) => process.stderr.write(`the shared system does not start: ${String(error)}\n`))
  return async () => {
    const system = await starting.catch(() => undefined)
    await system?.stop()
  }
}

/** The one that the files of a run share. */
export function sharedSystem(): Promise<System> {
  const file = process.env[SHARED]
  if (file === undefined) throw new Error(`${SHARED} is not set: run through npm test`)
  const read = (): System | undefined => {
    try {
      return systemSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    } catch {
      return undefined
    }
  }
  return eventually('the shared system is up', read, UP_WITHIN_MS)
}

export async function startSystem({ env, reroute, pageDirectory }: SystemOptions = {}): Promise<OwnSystem> {
  const cluster = await startCluster({
    adminDatabaseUrl: provided('TEST_DATABASE_URL'),
    redisUrl: provided('TEST_REDIS_URL'),
    gateways: 2,
    ...(env === undefined ? {} : { env }),
    ...(reroute === undefined ? {} : { reroute }),
  })
  try {
    const { web, webUrl } = await startWeb(cluster, pageDirectory)
    return {
      cluster,
      webUrl,
      apiUrl: cluster.apis[0]?.url ?? '',
      gatewayUrl: cluster.gateways[0]?.url ?? '',
      logs: cluster.logs,
      async stop() {
        await web.stop()
        await cluster.stop()
      },
    }
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

async function startWeb(cluster: Cluster, pageDirectory: string | undefined): Promise<{ web: Child; webUrl: string }> {
  const pages = { directory: join(cacheDirectory, 'page'), logFile: join(cluster.logs, 'page-build.log') }
  const directory = pageDirectory ?? (await buildPage(pages)).directory
  const port = await freePort()
  const webUrl = `http://127.0.0.1:${port}`
  const command = {
    file: process.execPath,
    args: [join(repository, 'web/server/main.ts')],
    env: {
      PATH: process.env['PATH'] ?? '',
      ...nodeStart(),
      PORT: String(port),
      PAGE_DIRECTORY: directory,
      API_URLS: cluster.apis.map(({ url }) => url).join(','),
      GATEWAY_URLS: cluster.gateways.map(({ url }) => url).join(','),
    },
  }
  const log = join(cluster.logs, 'web.log')
  const web = await startChild(command, log)
  await eventually(`the web client answers (log: ${log})`, () => {
    if (!web.running) throw new Error(`the web client ended at start, see ${log}`)
    return fetch(webUrl).then(
      ({ ok }) => ok,
      () => false,
    )
  })
  return { web, webUrl }
}
