/**
 * Leaves no process behind when this one is killed with SIGKILL, on any system: a small shell script (guard.sh) holds
 * the other end of a pipe and the list of children; when the pipe ends it ends them. Should the guard itself die, it is
 * started again and told everything once more.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ChildWatch } from './child.ts'

const script = fileURLToPath(new URL('./guard.sh', import.meta.url))

export interface Guard extends ChildWatch {
  /** Ends the guard; call it when every child has ended. */
  close(): void
}

export function startGuard(): Guard {
  const pids = new Set<number>()
  let closed = false
  let process = launch()

  function launch(): ChildProcess {
    const child = spawn('sh', [script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    // A write that meets a guard already gone: `exit` follows and starts another, which is told all pids.
    child.stdin?.on('error', () => child.kill('SIGKILL'))
    child.once('exit', () => {
      if (!closed) process = launch()
    })
    child.unref()
    for (const pid of pids) child.stdin?.write(`+${pid}\n`)
    return child
  }

  return {
    add(pid) {
      pids.add(pid)
      process.stdin?.write(`+${pid}\n`)
    },
    remove(pid) {
      pids.delete(pid)
      process.stdin?.write(`-${pid}\n`)
    },
    close() {
      closed = true
      process.stdin?.end()
    },
  }
}
