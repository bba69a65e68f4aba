/**
 * Takes the processor away from processes: busy loops beside them, and all of them on one core where the system can
 * confine a process (taskset). What is started meanwhile by those confined is confined as well, and let go with them.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { underDeathSignal } from '@rhizom/infra/local/child.ts'
import { processTree } from './process-signals.ts'

export interface Starvation {
  /** As a line says it. */
  readonly how: string
  end(): Promise<void>
}

const LOOP = 'for (;;);'

/** Starves these processes and all they started. */
export function starve(pids: () => readonly number[], loopsOnACore: number): Starvation {
  const cores = ownCores()
  const core = cores?.[0]
  const isConfined = core !== undefined && confine(process.pid, cores ?? [])
  const words = isConfined ? ['taskset', '-c', String(core)] : []
  const count = isConfined ? loopsOnACore : loopsOnACore * availableParallelism()
  const loops = Array.from({ length: count }, () => {
    const [file = '', ...args] = [...underDeathSignal('KILL'), ...words, process.execPath, '-e', LOOP]
    return spawn(file, args, { stdio: 'ignore' })
  })
  const move = (to: readonly number[]): void => {
    for (const pid of pids().flatMap(processTree)) confine(pid, to)
  }
  if (isConfined) move([core])
  return {
    how: `${count} busy loops${isConfined ? ', all on one core' : ''}`,
    async end() {
      if (isConfined) move(cores ?? [])
      await Promise.all(
        loops.map(async (loop) => {
          const ended = once(loop, 'exit')
          loop.kill('SIGKILL')
          await ended
        }),
      )
    },
  }
}

/** True if it is done; a process may be gone by now. */
const confine = (pid: number, cores: readonly number[]): boolean =>
  spawnSync('taskset', ['-a', '-c', '-p', cores.join(','), String(pid)], { stdio: 'ignore' }).status === 0

/** The cores that this process may run on; undefined where the system does not say. */
function ownCores(): number[] | undefined {
  try {
    const [, list] = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return list?.split(',').flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
  } catch {
    return undefined
  }
}
