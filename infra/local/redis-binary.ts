/**
 * Finds a Redis server to run: redis-server or valkey-server of version 7 or later on PATH, else a copy of the
 * project's own, unpacked from the packages of the distribution (Debian, Ubuntu) without root and without installing
 * anything: apt keeps its lists and archives in folders of ours.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type ChildWatch, describeExit, runToEnd } from './child.ts'

const OLDEST = 7
const NEEDED = ['apt-get', 'dpkg-deb']
const NAMES = ['redis-server', 'valkey-server'] as const

export interface RedisBinary {
  file: string
  version: string
  /** What the program needs beside the environment of this process. */
  env: NodeJS.ProcessEnv
}

export interface RedisSearch {
  /** Where the project's own copy is kept. */
  cacheDirectory: string
  logFile: string
  watch?: ChildWatch
  /** Told before something that takes a while. */
  say?: (line: string) => void
  /** The search path; that of this process unless a test says otherwise. */
  path?: string
}

const WAYS_OUT = `There are three ways out:
  1. install Redis ${OLDEST} or later, or Valkey, so that redis-server or valkey-server is on PATH
  2. name a running one in REDIS_URL, for instance redis://127.0.0.1:6379
  3. on Debian or Ubuntu with a network, let this project fetch its own copy (it has just tried)`

export async function findRedis(search: RedisSearch): Promise<RedisBinary> {
  const installed = onPath(search.path ?? process.env['PATH'] ?? '')
  if (installed !== undefined) return installed
  const copy = inCopy(search.cacheDirectory)
  if (copy !== undefined) return copy
  const problem = await fetchCopy(search)
  const fetched = inCopy(search.cacheDirectory)
  if (fetched !== undefined) return fetched
  throw new Error(`No Redis server was found (${problem ?? 'the copy that was fetched does not run'}). ${WAYS_OUT}`)
}

function onPath(path: string): RedisBinary | undefined {
  for (const folder of path.split(':').filter((entry) => entry !== '')) {
    for (const name of NAMES) {
      const found = ask(join(folder, name), {})
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** The program's own word on its version; undefined where it does not run or is too old. */
function ask(file: string, env: NodeJS.ProcessEnv): RedisBinary | undefined {
  if (!existsSync(file)) return undefined
  const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8', env: { ...process.env, ...env } })
  const version = /v=(\d+[\d.]*)/.exec(stdout ?? '')?.[1]
  return version !== undefined && Number.parseInt(version, 10) >= OLDEST ? { file, version, env } : undefined
}

function inCopy(cacheDirectory: string): RedisBinary | undefined {
  const root = join(cacheDirectory, 'root')
  const libraries = ['usr/lib', 'lib']
    .map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => [folder, ...readdirSync(folder).map((name) => join(folder, name))])
  return ask(join(root, 'usr/bin/redis-server'), { LD_LIBRARY_PATH: libraries.join(':') })
}

/** Undefined when it worked, else what did not. */
async function fetchCopy({ cacheDirectory, logFile, watch, say }: RedisSearch): Promise<string | undefined> {
  if (!NEEDED.every((program) => spawnSync(program, ['--version']).status === 0))
    return `neither on PATH, nor is this a system with ${NEEDED.join(' and ')}`
  say?.('fetching a copy of Redis for this project (apt, 10 MB, nothing is installed)')
  mkdirSync(cacheDirectory, { recursive: true })
  // In a folder of its own first, so that two who fetch at once, or one who is interrupted, leave nothing half.
  const workshop = mkdtempSync(join(cacheDirectory, 'fetch-'))
  const packages = join(workshop, 'cache', 'archives')
  mkdirSync(join(workshop, 'lists', 'partial'), { recursive: true })
  mkdirSync(join(packages, 'partial'), { recursive: true })
  const privately = [
    ...['-o', `Dir::State::Lists=${workshop}/lists`, '-o', `Dir::Cache=${workshop}/cache`],
    ...['-o', 'APT::Sandbox::User=', '-o', 'Debug::NoLocking=1', '-o', 'Acquire::Retries=2'],
    ...['-o', 'DPkg::Post-Invoke=', '-o', 'APT::Update::Post-Invoke=', '-o', 'APT::Update::Post-Invoke-Success='],
  ]
  try {
    const steps = [
      { file: 'apt-get', args: [...privately, 'update'] },
      {
        file: 'apt-get',
        args: [...privately, '--yes', '--no-install-recommends', '--download-only', 'install', 'redis-server'],
      },
    ]
    for (const step of steps) {
      const exit = await runToEnd(step, logFile, watch)
      if (exit.code !== 0) return `apt-get failed (${describeExit(exit)}), see ${logFile}`
    }
    for (const name of readdirSync(packages).filter((entry) => entry.endsWith('.deb'))) {
      const args = ['-x', join(packages, name), join(workshop, 'root')]
      const exit = await runToEnd({ file: 'dpkg-deb', args }, logFile, watch)
      if (exit.code !== 0) return `unpacking ${name} failed (${describeExit(exit)}), see ${logFile}`
    }
    rmSync(join(cacheDirectory, 'root'), { recursive: true, force: true })
    renameSync(join(workshop, 'root'), join(cacheDirectory, 'root'))
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
}
