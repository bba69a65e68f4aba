/**
 * Brings the local system up, step by step, and takes it down again. The order is that of need: database and bus, the
 * schema, api, gateways, page; down in reverse. Who asks for it, and for how long it lives, is start.ts's business.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { internalHost, portOf, urlFor } from './addresses.ts'
import { type ChildWatch, describeExit, runToEnd } from './child.ts'
import { beginLog, followLog, type Follower } from './log-follower.ts'
import {
  apiParts,
  errorsOf,
  gatewayParts,
  guidePart,
  migration,
  type NodeUrls,
  type PageSource,
  postgresPart,
  redisPart,
  type Surroundings,
  webPart,
} from './parts.ts'
import { buildPage } from './page-build.ts'
import { cacheDirectory } from './places.ts'
import { portFinder } from './ports.ts'
import { openCluster } from './postgres-cluster.ts'
import { askPostgres, ensureDatabase } from './postgres.ts'
import { findRedis } from './redis-binary.ts'
import { askRedis } from './redis.ts'
import { type Run, writeRunFile } from './run-file.ts'
import { calmly, type Screen } from './screen.ts'
import { keepSecrets } from './secrets.ts'
import { seed } from './seed.ts'
import type { LocalSettings } from './settings.ts'
import { createSupervisor, type Part, type PartEvent, type Supervisor } from './supervisor.ts'

const FOLLOW_EVERY_MS = 250
/** How far above a public port the internal one is usually. */
const INTERNAL_OFFSET = 1_000
const EXTERNAL_WITHIN_MS = 10_000

export interface SystemOptions {
  settings: LocalSettings
  environment: NodeJS.ProcessEnv
  screen: Screen
  watch: ChildWatch
  /** Whether the page is served from its sources, by the development server. */
  dev: boolean
  /** Ends the bringing up between two steps. */
  signal: AbortSignal
}

export interface LocalSystem {
  up(): Promise<Run>
  down(): Promise<void>
  kill(): void
}

export function createSystem({ settings, environment, screen, watch, dev, signal }: SystemOptions): LocalSystem {
  const local = settings.RHIZOM_LOCAL_DIR
  const logFileOf = (part: string): string => join(local, 'logs', `${part}.log`)
  const runFile = join(local, 'run.json')
  const followers: Follower[] = []
  let run: Run | undefined
  let timer: NodeJS.Timeout | undefined

  const supervisor: Supervisor = createSupervisor({ logFileOf, onEvent, watch })

  function onEvent(event: PartEvent): void {
    switch (event.type) {
      case 'started':
        if (run === undefined || signal.aborted) return
        run = { ...run, processes: supervisor.pids() }
        return writeRunFile(runFile, run)
      case 'ready':
        if (event.restart) screen.done(`${event.part} is back (pid ${event.pid}, ${seconds(event.afterMs)})`)
        return
      case 'slow':
        return screen.notice(`${event.part} runs (pid ${event.pid}) but does not answer; see ${logFileOf(event.part)}`)
      case 'died':
        return screen.notice(`${event.part} died (${event.how}); starting it again in ${seconds(event.againInMs)}`)
      default:
        event satisfies never
    }
  }

  function openLog(name: string, show: boolean): string {
    const file = logFileOf(name)
    beginLog(file)
    const print = calmly((text) => screen.error(`${name}: ${text}`))
    if (show) followers.push(followLog(file, errorsOf(name), print))
    return file
  }

  async function startPart(part: Part, text: string): Promise<void> {
    signal.throwIfAborted()
    openLog(part.name, true)
    await supervisor.start(part)
    screen.done(text)
  }

  async function database(port: (usual: number) => Promise<number>): Promise<string> {
    if (settings.DATABASE_URL !== undefined) {
      screen.step('Postgres: asking the one of DATABASE_URL')
      const version = await external('DATABASE_URL', askPostgres(settings.DATABASE_URL))
      screen.done(`Postgres ${version} of DATABASE_URL answers`)
      return settings.DATABASE_URL
    }
    screen.step('Postgres: starting one of its own')
    const cluster = await openCluster({
      directory: join(local, 'postgres'),
      logFile: openLog('initdb', false),
      watch,
    })
    const own = await port(settings.RHIZOM_POSTGRES_PORT)
    await startPart(postgresPart(cluster, own), `Postgres answers on 127.0.0.1:${own}`)
    const url = cluster.urlOf(own, 'rhizom')
    await ensureDatabase(url)
    return url
  }

  async function bus(port: (usual: number) => Promise<number>): Promise<string> {
    if (settings.REDIS_URL !== undefined) {
      screen.step('Redis: asking the one of REDIS_URL')
      const version = await external('REDIS_URL', askRedis(settings.REDIS_URL))
      screen.done(`Redis ${version} of REDIS_URL answers`)
      return settings.REDIS_URL
    }
    screen.step('Redis: looking for a server')
    const binary = await findRedis({
      cacheDirectory: join(cacheDirectory, 'redis'),
      logFile: openLog('redis-fetch', false),
      watch,
      say: (line) => screen.step(`Redis: ${line}`),
    })
    const directory = join(local, 'redis')
    mkdirSync(directory, { recursive: true })
    const own = await port(settings.RHIZOM_REDIS_PORT)
    await startPart(redisPart(binary, directory, own), `Redis ${binary.version} answers on 127.0.0.1:${own}`)
    return `redis://127.0.0.1:${own}`
  }

  async function page(): Promise<PageSource> {
    if (dev) return { kind: 'sources' }
    const startedAt = performance.now()
    const { directory, made } = await buildPage({
      directory: join(cacheDirectory, 'page'),
      logFile: openLog('page-build', false),
      watch,
      say: (line) => screen.step(`page: ${line}`),
    })
    if (made === 'now') screen.done(`the page is built (${seconds(performance.now() - startedAt)})`)
    return { kind: 'built', directory }
  }

  async function migrate(around: Surroundings): Promise<void> {
    signal.throwIfAborted()
    screen.step('migrating the database')
    const file = openLog('migrate', true)
    const exit = await runToEnd(migration(around), file, watch)
    if (exit.code !== 0) throw new Error(`the migration failed (${describeExit(exit)}); its output is in ${file}`)
    screen.done('the database is migrated')
  }

  async function plant(around: Surroundings): Promise<void> {
    const api = around.apis[0]?.url ?? ''
    try {
      const outcome = await seed({ api, databaseUrl: around.databaseUrl, file: join(local, 'seed.json') })
      if (outcome === 'done now') screen.done('the lobby has something to see')
    } catch (error) {
      screen.notice(`the lobby stays empty: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** Everything else works without it. */
  async function welcome(around: Surroundings): Promise<void> {
    try {
      const part = guidePart(around, await around.port(settings.RHIZOM_GUIDE_PORT))
      await startPart(part, 'the guide is in the lobby: ask it with @guide')
    } catch (error) {
      signal.throwIfAborted()
      screen.notice(`there is no guide: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** Database, bus and schema, and where everything else is going to be. */
  async function prepare(): Promise<Surroundings> {
    const secrets = keepSecrets(join(local, 'secrets.json'))
    const port = portFinder()
    const [databaseUrl, redisUrl] = await Promise.all([database(port), bus(port)])
    const take = async (usual: number): Promise<string> => urlFor(settings.HOST, await port(usual, settings.HOST))
    const inside = internalHost(environment)
    const takeTwo = async (usual: number): Promise<NodeUrls> => {
      const url = await take(usual)
      // Where any will do for everybody, any will do for whoever runs it.
      const internal = usual === 0 ? 0 : Number(portOf(url)) + INTERNAL_OFFSET
      return { url, internal: urlFor(inside, await port(internal, inside)) }
    }
    const around: Surroundings = {
      environment,
      host: settings.HOST,
      databaseUrl,
      redisUrl,
      secrets,
      webUrl: await take(settings.RHIZOM_WEB_PORT),
      apis: await eachOf(settings.RHIZOM_APIS, () => takeTwo(settings.RHIZOM_API_PORT)),
      gateways: await eachOf(settings.RHIZOM_GATEWAYS, () => takeTwo(settings.RHIZOM_GATEWAY_PORT)),
      port,
    }
    await migrate(around)
    return around
  }

  async function up(): Promise<Run> {
    timer = setInterval(() => followers.forEach((follower) => follower.read()), FOLLOW_EVERY_MS)
    const [around, served] = await Promise.all([prepare(), page()])
    screen.step('starting api, gateways and web')
    const named = (part: Part, url: string): Promise<void> => startPart(part, `${part.name} answers on ${url}`)
    await Promise.all([
      Promise.all(apiParts(around).map((part, index) => named(part, around.apis[index]?.url ?? ''))).then(() =>
        Promise.all(gatewayParts(around).map((part, index) => named(part, around.gateways[index]?.url ?? ''))),
      ),
      named(webPart(around, served), around.webUrl),
    ])
    await plant(around)
    await welcome(around)
    signal.throwIfAborted()
    run = {
      web: around.webUrl,
      api: around.apis.map(({ url }) => url),
      gateways: around.gateways.map(({ url }) => url),
      internal: [...around.apis, ...around.gateways].map(({ internal }) => internal),
      databaseUrl: around.databaseUrl,
      redisUrl: around.redisUrl,
      processes: supervisor.pids(),
      launcher: process.pid,
    }
    writeRunFile(runFile, run)
    return run
  }

  return {
    up,
    async down() {
      run = undefined
      const names = Object.keys(supervisor.pids())
      const like = (prefix: string): string[] => names.filter((name) => name.startsWith(prefix))
      await supervisor.stop([['web', 'guide'], like('gateway-'), like('api-'), ['redis', 'postgres']])
      clearInterval(timer)
      for (const follower of followers) follower.read()
    },
    kill: () => supervisor.kill(),
  }
}

async function external(variable: string, answer: Promise<string>): Promise<string> {
  const timeout = AbortSignal.timeout(EXTERNAL_WITHIN_MS)
  const late = new Promise<never>((_resolve, reject) => {
    timeout.addEventListener('abort', () => reject(new Error('no answer')))
  })
  try {
    return await Promise.race([answer, late])
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`The server of ${variable} does not answer: ${reason}`, { cause: error })
  }
}

async function eachOf<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = []
  while (made.length < count) made.push(await make())
  return made
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
