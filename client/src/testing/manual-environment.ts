/**
 * An environment whose time stands still until a test moves it and whose chance comes from a seed. The network is
 * whatever the test plugs in, usually a `ScriptedServer`.
 */
import { mulberry32 } from '@rhizom/machine/testing'
import type { DeviceEvent, Environment, SharedPorts } from '../runtime/environment.ts'
import { memoryStorage } from '../runtime/storage.ts'
import type { OpenSocket } from '../runtime/websocket.ts'

export interface ManualEnvironment extends Environment {
  /** Moves time on, firing timers in order and letting promises settle between them. */
  advance(ms: number): Promise<void>
  /** Lets what is under way settle without moving time. */
  settle(): Promise<void>
  /** Somebody sets the date of the device, forward or back. */
  stepDate(byMs: number): void
  setOnline(online: boolean): void
  happen(event: DeviceEvent): void
  /** Timers that have not fired and were not cancelled. */
  timersLeft(): number
  /** What was reported, oldest first. */
  reports: string[]
}

export interface ManualEnvironmentParts {
  openSocket: OpenSocket
  fetch: Environment['fetch']
  seed?: number
  shared?: SharedPorts | undefined
}

/** One turn of the real event loop: every promise that can settle has settled after it. */
const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0))

export function manualEnvironment(parts: ManualEnvironmentParts): ManualEnvironment {
  // The two clocks have nothing to do with each other, so that whoever takes one for the other is far off.
  let nowMs = 1_000_000
  let dateAheadMs = 1_800_000_000_000
  let online = true
  let serial = 0
  const timers = new Map<number, { dueMs: number; callback: () => void }>()
  const listeners = new Set<(event: DeviceEvent) => void>()
  const reports: string[] = []

  const nextDue = (untilMs: number) =>
    [...timers].filter(([, { dueMs }]) => dueMs <= untilMs).sort(([a, x], [b, y]) => x.dueMs - y.dueMs || a - b)[0]

  async function advance(ms: number): Promise<void> {
    const untilMs = nowMs + ms
    await turn()
    for (let next = nextDue(untilMs); next !== undefined; next = nextDue(untilMs)) {
      const [id, { dueMs, callback }] = next
      timers.delete(id)
      nowMs = Math.max(nowMs, dueMs)
      callback()
      await turn()
    }
    nowMs = untilMs
    await turn()
  }

  return {
    nowMs: () => nowMs,
    dateMs: () => nowMs + dateAheadMs,
    random: mulberry32(parts.seed ?? 1),
    after(delayMs, callback) {
      const id = ++serial
      timers.set(id, { dueMs: nowMs + Math.max(0, delayMs), callback })
      return () => void timers.delete(id)
    },
    openSocket: parts.openSocket,
    fetch: parts.fetch,
    storage: memoryStorage(),
    takeStreamPlace: async () => () => undefined,
    shared: parts.shared,
    isOnline: () => online,
    onDevice(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    report: (problem, cause) =>
      void reports.push(cause instanceof Error ? `${problem}: ${cause.name}: ${cause.message}` : problem),
    advance,
    settle: turn,
    stepDate: (byMs) => void (dateAheadMs += byMs),
    setOnline(value) {
      online = value
      for (const listener of listeners) listener(value ? 'networkFound' : 'networkLost')
    },
    happen(event) {
      for (const listener of listeners) listener(event)
    },
    timersLeft: () => timers.size,
    reports,
  }
}
