/** A gateway as a process of its own, of this checkout or another: its cost is known apart from who asks. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Linux counts processor time in hundredths of a second, whatever the machine. */
const MS_A_TICK = 10

export interface MeasuredProcess {
  /** What it said on its standard error. */
  said(): string
  residentBytes(): number
  /** Processor time of all its threads until now. */
  cpuMs(): number
  stop(): Promise<void>
}

export interface GatewayProcess extends MeasuredProcess {
  url: string
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('listening on no port')
  return address.port
}

/** `words` begin with the program, maybe with what pins it to a core. */
export function startMeasured(words: readonly string[], env: Record<string, string>): MeasuredProcess {
  const [program = process.execPath, ...rest] = words
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } })
  // Whoever measures may be ended before it is done.
  process.once('exit', () => child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const proc = (file: string): string => readFileSync(`/proc/${child.pid}/${file}`, 'utf8')
  return {
    said: () => said,
    residentBytes: () => Number(/^VmRSS:\s+(\d+)/m.exec(proc('status'))?.[1]) * 1024,
    cpuMs() {
      // The name in brackets may hold spaces; user and system time are the 12th and 13th field behind it.
      const fields = proc('stat')
        .replace(/^.*\) /s, '')
        .split(' ')
      return (Number(fields[11]) + Number(fields[12])) * MS_A_TICK
    },
    stop: () => ended(child),
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

/** Resolves when `find` finds something. */
export async function found<T>(what: MeasuredProcess, find: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const one = await find()
    if (one !== undefined) return one
    if (performance.now() > deadline) throw new Error(`it does not get ready: ${what.said()}`)
    await sleep(50)
  }
}

/** `flags` are Node's. Resolves when it is ready. */
export async function startGatewayProcess(
  tree: string,
  env: Record<string, string>,
  { flags = [], onCore = [] }: { flags?: readonly string[]; onCore?: readonly string[] } = {},
): Promise<GatewayProcess> {
  const [port, internalPort] = [await freePort(), await freePort()]
  const words = [...onCore, process.execPath, ...flags, join(tree, 'gateway/src/main.ts')]
  const gateway = startMeasured(words, { PORT: `${port}`, INTERNAL_PORT: `${internalPort}`, ...env })
  await found(gateway, () =>
    fetch(`http://127.0.0.1:${internalPort}/readyz`).then(
      ({ ok }) => ok || undefined,
      () => undefined,
    ),
  )
  return { ...gateway, url: `http://127.0.0.1:${port}` }
}
