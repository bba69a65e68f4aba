/**
 * The system that a load test loads: the one `npm start` runs, or one of its own, started by the same program with its
 * own data, other ports and raised limits, and stopped afterwards. It dies with this process (`--with-parent`).
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRunFile, type Run } from '@rhizom/infra/local/run-file.ts'
import { until } from '@rhizom/infra/local/until.ts'
import { z } from 'zod'
import type { WatchedNode } from './scenarios/plan.ts'

export interface LocalSystem {
  api: string[]
  gateways: string[]
  /** Where the metrics of its processes are. */
  metrics: WatchedNode[]
  /** Whether it ran before, and so with its own limits. */
  shared: boolean
  stop(): Promise<void>
}

export interface LocalSystemOptions {
  repository: string
  /** Where the system of `npm start` keeps its run.json. */
  usualFolder: string
  /** Where one of our own keeps its data. */
  ownFolder: string
  clients: number
  say: (text: string) => void
  /** Ends the wait for the start. */
  signal: AbortSignal
}

const START_WITHIN_MS = 180_000
const STOP_WITHIN_MS = 30_000

export async function findLocalSystem(options: LocalSystemOptions): Promise<LocalSystem> {
  const runFile = join(options.usualFolder, 'run.json')
  const running = readRunFile(runFile)
  if (running !== undefined && (await answers(running))) {
    options.say(`loading the system that runs at ${running.web}`)
    const { api, gateways } = running
    return { api, gateways, metrics: metricsOf(runFile, running), shared: true, stop: () => Promise.resolve() }
  }
  return start(options)
}

const internalSchema = z.object({ internal: z.array(z.url()).min(1) })

/** Where processes tell what is not for the public: a port of its own where they have one. */
function metricsOf(runFile: string, run: Run): WatchedNode[] {
  const found = internalSchema.safeParse(JSON.parse(readFileSync(runFile, 'utf8')))
  const places = found.success ? found.data.internal : [...run.api, ...run.gateways]
  return places.map((url) => ({ name: new URL(url).host, url: `${url.replace(/\/$/, '')}/metrics` }))
}

async function answers(run: Run): Promise<boolean> {
  try {
    const urls = [...run.api, ...run.gateways].map((url) => `${url}/healthz`)
    const all = await Promise.all(urls.map((url) => fetch(url, { signal: AbortSignal.timeout(3_000) })))
    return all.every((response) => response.ok)
  } catch {
    return false
  }
}

/** The limits that a load test from one address would hit first. */
export const raisedLimits = (clients: number): Record<string, string> => ({
  MAX_CONNECTIONS_PER_ADDRESS: String(clients + 100),
  SESSIONS_PER_SECOND: '0',
})

async function start(options: LocalSystemOptions): Promise<LocalSystem> {
  const { repository, ownFolder, clients, say, signal } = options
  say('no system runs: starting one for the test')
  mkdirSync(ownFolder, { recursive: true, mode: 0o700 })
  const logFile = join(ownFolder, 'start.log')
  const log = createWriteStream(logFile)
  const child = spawn(process.execPath, [join(repository, 'infra/local/start.ts'), '--fresh', '--with-parent'], {
    cwd: repository,
    env: { ...process.env, ...raisedLimits(clients), RHIZOM_LOCAL_DIR: ownFolder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      log.write(data)
      for (const line of data.toString().split('\n')) if (line.trim() !== '') say(`  ${line}`)
    })
  }
  const runFile = join(ownFolder, 'run.json')
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null
  await until(() => readRunFile(runFile) !== undefined, {
    withinMs: START_WITHIN_MS,
    giveUp: () => ended() || signal.aborted,
  })
  const run = readRunFile(runFile)
  if (run === undefined || ended()) {
    await stop(child)
    signal.throwIfAborted()
    throw new Error(`the system did not start; its output is in ${logFile}`)
  }
  const { api, gateways } = run
  return { api, gateways, metrics: metricsOf(runFile, run), shared: false, stop: () => stop(child) }
}

/** In order first, and not at all in order after that. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  await exited
  clearTimeout(late)
}
