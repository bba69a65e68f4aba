/** Signals to a process and everything it started: Postgres works in many processes, and a lost machine loses all. */
import { readdirSync, readFileSync } from 'node:fs'

/** A process and its descendants, parents first. */
export function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)]
}

function childrenOf(pid: number): number[] {
  const found = new Set<number>()
  for (const task of listed(`/proc/${pid}/task`))
    for (const child of textOf(`/proc/${pid}/task/${task}/children`).split(' '))
      if (child !== '') found.add(Number(child))
  return [...found]
}

/** Sends a signal to each of them that still runs. */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  for (const each of processTree(pid)) signalIfThere(each, signal)
}

/** Whether it was there. */
export function signalIfThere(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if (!isGone(error)) throw error
    return false
  }
}

/** Resident memory of a process in bytes, as the system counts it. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0) * 1024
}

/** Whether a process stands still, as after a SIGSTOP. */
export const isFrozen = (pid: number): boolean => /^State:\s+T/m.test(textOf(`/proc/${pid}/status`))

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (isGone(error)) return ''
    throw error
  }
}

/** A process may end between two looks: that is an answer, not a failure. */
const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')
