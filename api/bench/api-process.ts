/** An api as a process of its own, so that its processor time is known apart from that of whoever measures. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** Linux counts processor time in hundredths of a second, whatever the machine. */
const MS_A_TICK = 10

export interface ApiProcess {
  url: URL
  /** Processor time of all its threads until now. */
  cpuMs: () => number
  /** Transactions of writes until now. */
  transactions: () => Promise<number>
  stop: () => Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('listening on no port')
  return address.port
}

/** `entry` is the main file of an api, of this checkout or of another one. Limits of one sender are out of the way. */
export async function startApiProcess(entry: string, databaseUrl: string, redisUrl: string): Promise<ApiProcess> {
  const [port, internalPort] = [await freePort(), await freePort()]
  const url = new URL(`http://127.0.0.1:${port}`)
  const internalUrl = new URL(`http://127.0.0.1:${internalPort}`)
  const api = spawn(process.execPath, [...(process.env['BENCH_API_FLAGS'] ?? '').split(' ').filter(Boolean), entry], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      PORT: `${port}`,
      INTERNAL_PORT: `${internalPort}`,
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      TOKEN_SECRET: randomBytes(32).toString('hex'),
      INTERNAL_TOKEN: randomBytes(16).toString('hex'),
      LOG_LEVEL: 'warn',
      MUTATIONS_PER_SECOND: '100000',
      MUTATIONS_BURST: '100000',
      SESSIONS_PER_SECOND: '0',
      ADDRESS_SHARE_PERCENT: '100',
      BODY_BYTES_PER_SECOND: '1000000000',
      BODY_BYTES_BURST: '1000000000',
    },
  })
  await untilReady(internalUrl, api)
  return {
    url,
    cpuMs: () => {
      // The name in brackets may hold spaces; user and system time are the 12th and 13th field behind it.
      const fields = readFileSync(`/proc/${api.pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      return (Number(fields[11]) + Number(fields[12])) * MS_A_TICK
    },
    transactions: async () => {
      const metrics = await (await fetch(new URL('/metrics', internalUrl))).text()
      return Number(/^rhizom_api_commit_seconds_count (\d+)/m.exec(metrics)?.[1])
    },
    stop: async () => {
      const ended = once(api, 'exit')
      api.kill('SIGTERM')
      await ended
    },
  }
}

async function untilReady(internalUrl: URL, api: ChildProcess): Promise<void> {
  while (api.exitCode === null) {
    const isReady = await fetch(new URL('/readyz', internalUrl)).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the api ended')
}
