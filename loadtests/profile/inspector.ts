/**
 * Takes a CPU profile of a running Node process without starting it anew: SIGUSR1 makes it open its inspector on this
 * machine's own address, the profiler is asked over its WebSocket, and the inspector is closed again. Which port it
 * opened is read from the system where that can be told (Linux), so that many processes may be looked at on one
 * machine; elsewhere it is the usual one. That it is the right process is asked before anything is done with it.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { until } from '@rhizom/infra/local/until.ts'
import { z } from 'zod'
import { type CpuProfile, cpuProfileSchema } from './cpu-profile.ts'

const USUAL_PORT = 9_229
const OPENS_WITHIN_MS = 20_000
const ANSWERS_WITHIN_MS = 30_000
const SAMPLE_EVERY_MICROSECONDS = 500
const LISTENS = '0A'

/** The local ports on which a process listens; undefined where the system does not tell. */
export function listeningPorts(pid: number): Set<number> | undefined {
  try {
    const sockets = new Set(
      readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
        try {
          return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
        } catch {
          // Closed while we looked.
          return []
        }
      }),
    )
    const lines = ['tcp', 'tcp6'].flatMap((kind) => readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').split('\n'))
    return new Set(
      lines.flatMap((line) => {
        const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
        return state === LISTENS && sockets.has(inode) ? Number.parseInt(local.split(':')[1] ?? '', 16) : []
      }),
    )
  } catch {
    return undefined
  }
}

/** The address of the inspector that listens on a port; undefined where none does. */
async function inspectorAt(port: number): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(3_000) })
    const targets = z.array(z.object({ webSocketDebuggerUrl: z.string() })).parse(await answer.json())
    return targets[0]?.webSocketDebuggerUrl
  } catch {
    return undefined
  }
}

/** Opens the inspector of a process; the address of its WebSocket. */
async function openInspector(pid: number): Promise<string> {
  const before = listeningPorts(pid)
  process.kill(pid, 'SIGUSR1')
  let address: string | undefined
  const candidates = (): number[] => {
    const now = listeningPorts(pid)
    if (before === undefined || now === undefined) return [USUAL_PORT]
    const opened = [...now].filter((port) => !before.has(port))
    // It was open before: then it is among those that were there.
    return opened.length > 0 || !before.has(USUAL_PORT) ? opened : [USUAL_PORT]
  }
  await until(
    async () => {
      for (const port of candidates()) address ??= await inspectorAt(port)
      return address !== undefined
    },
    { withinMs: OPENS_WITHIN_MS },
  )
  if (address !== undefined) return address
  throw new Error(
    `process ${pid} opened no inspector: it is no Node process, or port ${USUAL_PORT} is another's (NODE_OPTIONS=--inspect-port=0 npm start gives each process its own)`,
  )
}

const replySchema = z.object({
  id: z.int().optional(),
  result: z.unknown(),
  error: z.object({ message: z.string() }).optional(),
})

/** Asks over the inspector's WebSocket, one question at a time. */
class Inspector {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #next = 1

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      const { id, result, error } = replySchema.parse(JSON.parse(String(data)))
      const waiting = id === undefined ? undefined : this.#waiting.get(id)
      if (id === undefined || waiting === undefined) return
      this.#waiting.delete(id)
      if (error === undefined) waiting.resolve(result)
      else waiting.reject(new Error(error.message))
    })
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the process ended, or closed its inspector'))
    })
  }

  static async connect(address: string): Promise<Inspector> {
    const socket = new WebSocket(address)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', () => reject(new Error(`no connection to ${address}`)))
    await promise
    return new Inspector(socket)
  }

  async ask(method: string, params: object = {}): Promise<unknown> {
    const id = this.#next++
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    this.#socket.send(JSON.stringify({ id, method, params }))
    const late = setTimeout(() => waiting.reject(new Error(`${method}: no answer`)), ANSWERS_WITHIN_MS)
    try {
      return await waiting.promise
    } finally {
      clearTimeout(late)
    }
  }

  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.ask('Runtime.evaluate', { expression, returnByValue: true })
    return z.object({ result: z.object({ value: z.unknown() }) }).parse(answer).result.value
  }

  close(): void {
    this.#socket.close()
  }
}

/** The profile of what a process does while `meanwhile` runs. */
export async function profileProcess(pid: number, meanwhile: () => Promise<void>): Promise<CpuProfile> {
  const inspector = await Inspector.connect(await openInspector(pid))
  try {
    const found = await inspector.evaluate('process.pid')
    if (found !== pid) throw new Error(`the inspector that answers is of process ${String(found)}, not of ${pid}`)
    await inspector.ask('Profiler.enable')
    await inspector.ask('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_MICROSECONDS })
    await inspector.ask('Profiler.start')
    await meanwhile()
    const answer = z.object({ profile: cpuProfileSchema }).parse(await inspector.ask('Profiler.stop'))
    await inspector.ask('Profiler.disable')
    // A little later, from the process itself: closing waits for connections to be gone, and ours still has to go.
    await inspector.evaluate(`setTimeout(() => process.getBuiltinModule('inspector').close(), 100).unref(), 1`)
    return answer.profile
  } finally {
    inspector.close()
  }
}
