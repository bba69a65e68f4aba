/**
 * Keeps the parts of the local system running: starts each and waits until it answers, starts it again when it dies,
 * on the same port and the later the more often it dies, and stops all in order. What happens is told as events; what
 * people see of it is the business of start.ts.
 *
 *   starting ── answers ──► running ── dies ──► waiting (backoff) ──► starting …        stop() ends any of them
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, type ChildWatch, type Command, describeExit, startChild } from './child.ts'
import { until } from './until.ts'

export interface Part {
  name: string
  command(): Command
  /** Whether it does its work; throwing means no. */
  answers(): Promise<boolean>
  /** Clears what an earlier run left behind. */
  beforeStart?(): Promise<void>
  readyWithinMs: number
  stopSignal: NodeJS.Signals
  stopWithinMs: number
}

export type PartEvent =
  | { type: 'started'; part: string; pid: number }
  | { type: 'ready'; part: string; pid: number; afterMs: number; restart: boolean }
  | { type: 'slow'; part: string; pid: number }
  | { type: 'died'; part: string; how: string; againInMs: number }

export interface SupervisorOptions {
  logFileOf: (part: string) => string
  onEvent: (event: PartEvent) => void
  watch?: ChildWatch
  backoffMs?: readonly number[]
  /** A part that ran this long before it died begins at the first delay again. */
  steadyAfterMs?: number
}

export interface Supervisor {
  /** Resolves when the part answers; rejects if it does not come up this first time. */
  start(part: Part): Promise<void>
  /** The parts that run now. */
  pids(): Record<string, number>
  /** Stops the groups one after the other, the parts of a group together. Whatever is left is stopped last. */
  stop(order: readonly (readonly string[])[]): Promise<void>
  /** Ends whatever still runs at once. */
  kill(): void
}

const BACKOFF_MS = [200, 500, 1_000, 2_000, 5_000]
const STEADY_AFTER_MS = 10_000

interface Kept {
  part: Part
  child: Child | undefined
  stopping: AbortController
  /** Settles when the part will not be started any more. */
  ended: Promise<void>
}

const nothing = (): void => undefined

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { logFileOf, onEvent, watch, backoffMs = BACKOFF_MS, steadyAfterMs = STEADY_AFTER_MS } = options
  const kept = new Map<string, Kept>()
  let closed = false

  async function launch(entry: Kept, restart: boolean): Promise<Child> {
    const { part, stopping } = entry
    await part.beforeStart?.()
    stopping.signal.throwIfAborted()
    const startedAt = performance.now()
    const child = await startChild(part.command(), logFileOf(part.name), watch)
    entry.child = child
    // stop() may have come while the process was being made, when there was nothing to stop yet.
    if (stopping.signal.aborted) await child.stop(part.stopSignal, part.stopWithinMs)
    stopping.signal.throwIfAborted()
    onEvent({ type: 'started', part: part.name, pid: child.pid })
    const giveUp = (): boolean => !child.running || stopping.signal.aborted
    const ready = await until(() => part.answers(), { withinMs: part.readyWithinMs, giveUp })
    const afterMs = performance.now() - startedAt
    if (ready && child.running) onEvent({ type: 'ready', part: part.name, pid: child.pid, afterMs, restart })
    else if (child.running && !stopping.signal.aborted) onEvent({ type: 'slow', part: part.name, pid: child.pid })
    return child
  }

  async function keepRunning(entry: Kept, first: Child): Promise<void> {
    const { part, stopping } = entry
    const ends = async (child: Child): Promise<string> => describeExit(await child.exited)
    let deaths = 0
    let bornAt = performance.now()
    let how = await ends(first)
    while (!stopping.signal.aborted) {
      deaths = performance.now() - bornAt > steadyAfterMs ? 1 : deaths + 1
      const againInMs = backoffMs[Math.min(deaths, backoffMs.length) - 1] ?? 0
      onEvent({ type: 'died', part: part.name, how, againInMs })
      // Rejects when stop() cuts the wait short; the next line looks.
      await sleep(againInMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      bornAt = performance.now()
      how = await launch(entry, true).then(ends, (error: unknown) => `it could not be started: ${String(error)}`)
    }
  }

  async function stopOne(entry: Kept): Promise<void> {
    entry.stopping.abort()
    await entry.child?.stop(entry.part.stopSignal, entry.part.stopWithinMs)
    await entry.ended
  }

  return {
    async start(part) {
      if (closed) throw new Error('the system is stopping')
      const entry: Kept = { part, child: undefined, stopping: new AbortController(), ended: Promise.resolve() }
      kept.set(part.name, entry)
      const launched = launch(entry, false)
      entry.ended = launched.then(nothing, nothing)
      const child = await launched
      if (!child.running) throw new Error(`${part.name} ended while it started (${describeExit(await child.exited)})`)
      const answers = await until(() => part.answers(), { withinMs: 0 })
      if (!answers) throw new Error(`${part.name} does not answer after ${part.readyWithinMs / 1_000} s`)
      entry.ended = keepRunning(entry, child)
    },
    pids() {
      const pids: Record<string, number> = {}
      for (const { part, child } of kept.values()) if (child?.running) pids[part.name] = child.pid
      return pids
    },
    async stop(order) {
      closed = true
      const named = new Set(order.flat())
      const rest = [...kept.keys()].filter((name) => !named.has(name))
      for (const entry of kept.values()) entry.stopping.abort()
      for (const group of [rest, ...order]) {
        await Promise.all(group.flatMap((name) => kept.get(name) ?? []).map(stopOne))
      }
    },
    kill() {
      closed = true
      for (const entry of kept.values()) {
        entry.stopping.abort()
        entry.child?.signal('SIGKILL')
      }
    },
  }
}
