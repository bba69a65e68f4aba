/**
 * Redis for this machine: whether a server answers, and one started here, without persistence: rhizom keeps nothing in
 * Redis whose loss would lose data. The local system supervises it by itself (parts.ts); tests use `startRedis`.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type ChildWatch, type Command, describeExit, startChild } from './child.ts'
import { cacheDirectory } from './places.ts'
import { anyFreePort } from './ports.ts'
import { findRedis, type RedisBinary } from './redis-binary.ts'
import type { Service } from './service.ts'
import { until } from './until.ts'

const READY_WITHIN_MS = 15_000

export interface RedisOptions {
  /** Its working folder, and where its log goes. */
  directory: string
  port?: number
  /** More arguments, as after `redis-server`. */
  args?: string[]
  logFile?: string
  watch?: ChildWatch
}

/** The version of the server that answers at this address; throws what went wrong instead. */
export async function askRedis(url: string): Promise<string> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: null, connectTimeout: 2_000, commandTimeout: 2_000 })
  let problem: Error | undefined
  redis.on('error', (error: Error) => {
    problem = error
  })
  try {
    await redis.connect()
    const info = await redis.info('server')
    return /^(?:valkey|redis)_version:(\S+)/m.exec(info)?.[1] ?? 'unknown'
  } catch (error) {
    throw problem ?? error
  } finally {
    redis.disconnect()
  }
}

export function redisCommand(binary: RedisBinary, directory: string, port: number, args: string[] = []): Command {
  return {
    file: binary.file,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
      ...['--save', '', '--appendonly', 'no', '--daemonize', 'no', ...args],
    ],
    env: { ...process.env, ...binary.env },
    cwd: directory,
    deathSignal: 'TERM',
  }
}

export async function startRedis(options: RedisOptions): Promise<Service> {
  const { directory, watch, logFile = join(directory, 'redis.log') } = options
  mkdirSync(directory, { recursive: true })
  const binary = await findRedis({ cacheDirectory: join(cacheDirectory, 'redis'), logFile, ...(watch && { watch }) })
  const port = options.port ?? (await anyFreePort())
  const child = await startChild(redisCommand(binary, directory, port, options.args), logFile, watch)
  const url = `redis://127.0.0.1:${port}`
  const answers = async (): Promise<boolean> => (await askRedis(url)) !== ''
  if (!(await until(answers, { withinMs: READY_WITHIN_MS, giveUp: () => !child.running }))) {
    const exit = await child.stop()
    throw new Error(`Redis does not start (${describeExit(exit)}); its output is in ${logFile}`)
  }
  return { url, port, pid: child.pid, exited: child.exited, stop: (signal = 'SIGTERM') => child.stop(signal) }
}
