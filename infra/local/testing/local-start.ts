/** `npm start` for tests: as people start it, in a state folder of its own and on ports that are free. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repository } from '../places.ts'
import { readRunFile, type Run } from '../run-file.ts'
import { until } from '../until.ts'

const UP_WITHIN_MS = 150_000
const DOWN_WITHIN_MS = 60_000

export interface Launcher {
  process: ChildProcess
  said(): string
  ended: Promise<number | null>
}

export interface LocalStart {
  /** The state folder. */
  folder: string
  runFile: string
  launch(file: string, ...args: string[]): Launcher
  /** What `npm start` runs in the end, ended with this process. */
  start(...flags: string[]): Launcher
  /** Waits for run.json, which says that everything is ready. */
  up(launcher: Launcher): Promise<Run>
  /** Ends whatever runs, and removes the folder. */
  clear(): Promise<void>
}

export function localStart(
  environment: NodeJS.ProcessEnv = {},
  folder = mkdtempSync(join(tmpdir(), 'rhizom start ')),
): LocalStart {
  const runFile = join(folder, 'run.json')
  const launchers: ChildProcess[] = []
  const ports = ['WEB', 'API', 'GATEWAY', 'POSTGRES', 'REDIS', 'GUIDE'].map((part) => [`RHIZOM_${part}_PORT`, '0'])
  const env = {
    ...process.env,
    ...Object.fromEntries(ports),
    RHIZOM_LOCAL_DIR: folder,
    DATABASE_URL: '',
    REDIS_URL: '',
    ...environment,
  }

  function launch(file: string, ...args: string[]): Launcher {
    const child = spawn(file, args, { cwd: repository, env, stdio: ['ignore', 'pipe', 'pipe'] })
    launchers.push(child)
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += String(data)))
    // Closed, and not only ended: then all that it said was heard.
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
    return { process: child, said: () => said, ended }
  }

  return {
    folder,
    runFile,
    launch,
    start: (...flags) =>
      launch(process.execPath, join(repository, 'infra', 'local', 'start.ts'), '--with-parent', ...flags),
    async up(launcher) {
      const giveUp = (): boolean => launcher.process.exitCode !== null
      await until(() => readRunFile(runFile) !== undefined, { withinMs: UP_WITHIN_MS, giveUp })
      const run = readRunFile(runFile)
      if (run === undefined) throw new Error(`it did not come up:\n${launcher.said()}`)
      return run
    },
    async clear() {
      for (const launcher of launchers) launcher.kill('SIGTERM')
      const ended = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null
      await until(() => launchers.every(ended), { withinMs: DOWN_WITHIN_MS })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
