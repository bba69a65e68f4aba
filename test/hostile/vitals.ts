/** What can be seen of a node from outside: its process, its memory, its processor time, its log. */
import { readFileSync, statSync } from 'node:fs'
import { lookUpProcess } from '@rhizom/infra/local/process-facts.ts'
import type { ClusterNode } from '../cluster/cluster.ts'
import { residentBytes } from '../faults/process-signals.ts'

export interface Vitals {
  pid: number
  startedAt: string
  residentBytes: number
  cpuMs: number
  /** Where its log ends. */
  logBytes: number
}

const CLOCK_TICK_MS = 10
const USER_TIME = 11
const SYSTEM_TIME = 12

/** Undefined where the process is gone. */
export function vitalsOf(node: ClusterNode, logFile: string): Vitals | undefined {
  if (!node.isRunning) return undefined
  const facts = lookUpProcess(node.pid)
  if (facts === undefined) return undefined
  return {
    pid: node.pid,
    startedAt: facts.startedAt,
    residentBytes: residentBytes(node.pid),
    cpuMs: cpuMsOf(node.pid),
    logBytes: logBytesOf(logFile),
  }
}

function cpuMsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) * CLOCK_TICK_MS
  } catch {
    // Told beside the verdict only, and not known where there is no /proc.
    return 0
  }
}

const logBytesOf = (logFile: string): number => statSync(logFile, { throwIfNoEntry: false })?.size ?? 0

/** The lines of a log after a place. */
export function logLines(logFile: string, after: number): string[] {
  if (logBytesOf(logFile) <= after) return []
  const text = readFileSync(logFile).subarray(after).toString('utf8')
  return text.split('\n').filter((line) => line !== '')
}
