/** What processes have had of the processor, as Linux counts it. */
import { readFileSync } from 'node:fs'
import { processTree } from '../faults/process-signals.ts'

/** The kernel tells time to user space in hundredths. */
const TICKS_PER_SECOND = 100

/** Of a process, all that it started, and those of them that have ended. */
export function processorSeconds(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + ticksOf(each), 0) / TICKS_PER_SECOND
}

function ticksOf(pid: number): number {
  try {
    // What follows the name, which may hold anything: state is the third field, utime the fourteenth.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
  } catch {
    // It has ended meanwhile: its parent has its time.
    return 0
  }
}
