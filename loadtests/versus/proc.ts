/** What Linux tells of a process: processor time and resident memory. */
import { readFileSync } from 'node:fs'

/** Jiffies are hundredths of a second to every program, whatever the kernel counts in. */
const MS_A_TICK = 10

/** Processor time of all its threads since it began. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name of the program stands in brackets and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * MS_A_TICK
}

export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory to speak of`)
  return Number(kilobytes) * 1_024
}
