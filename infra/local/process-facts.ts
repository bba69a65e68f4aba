/**
 * What the operating system says about a process: its parent, when it started and under which title it runs. A pid
 * alone does not name a process, because pids are used again; a pid and a start time do. Read from /proc where there
 * is one, else from `ps`.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface ProcessFacts {
  pid: number
  parent: number
  /** Equal for the same process only; its form depends on the system. */
  startedAt: string
  command: string
}

/** Undefined where no such process runs; one that has ended and only waits for its parent counts as gone. */
export type LookUpProcess = (pid: number) => ProcessFacts | undefined

const STATE = 0
const PARENT = 1
const START_TIME = 19

function fromProc(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program stands in parentheses and may hold anything, also spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[STATE] === 'Z' || fields[STATE] === 'X') return undefined
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return { pid, parent: Number(fields[PARENT]), startedAt: fields[START_TIME] ?? '', command }
  } catch {
    return undefined
  }
}

function fromPs(pid: number): ProcessFacts | undefined {
  const { stdout, status } = spawnSync('ps', ['-o', 'ppid=,stat=,lstart=,command=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
  const found = /^\s*(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/m.exec(stdout ?? '')
  if (status !== 0 || found === null || found[2]?.startsWith('Z')) return undefined
  return { pid, parent: Number(found[1]), startedAt: found[3] ?? '', command: found[4] ?? '' }
}

export const lookUpProcess: LookUpProcess = process.platform === 'linux' ? fromProc : fromPs

/** Whether the very process that was seen earlier still runs. */
export function stillRuns(seen: { pid: number; startedAt: string }, lookUp: LookUpProcess = lookUpProcess): boolean {
  return lookUp(seen.pid)?.startedAt === seen.startedAt
}
