/**
 * Starts a program so that it cannot outlive this process: in a session of its own (a Ctrl-C at the terminal reaches
 * the launcher only, which stops its parts in order), under a parent-death signal where Linux offers one, and known to
 * a guard (guard.ts) that covers the rest. Its output goes straight to a file, so that a slow launcher never blocks it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

export interface Command {
  file: string
  args: string[]
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** What the program gets at the moment this process dies (Linux): KILL unless it has something to put in order. */
  deathSignal?: 'KILL' | 'INT' | 'TERM'
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface Child {
  readonly pid: number
  readonly exited: Promise<Exit>
  readonly running: boolean
  signal(signal: NodeJS.Signals): void
  /** Asks with `signal`, insists with SIGKILL after `withinMs`; resolves when the process is gone. */
  stop(signal?: NodeJS.Signals, withinMs?: number): Promise<Exit>
}

/** Who is told which children live, to end them should this process be killed. */
export interface ChildWatch {
  add(pid: number): void
  remove(pid: number): void
}

let deathSignalsWork: boolean | undefined
function hasDeathSignals(): boolean {
  deathSignalsWork ??=
    process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'KILL', '--', 'true']).status === 0
  return deathSignalsWork
}

/** The words that put a program under a parent-death signal; none where the system has no such thing. */
export const underDeathSignal = (signal: 'KILL' | 'INT' | 'TERM'): string[] =>
  hasDeathSignals() ? ['setpriv', '--pdeathsig', signal, '--'] : []

export const describeExit = ({ code, signal }: Exit): string =>
  signal === null ? `exit code ${code ?? 'unknown'}` : signal

/** Starts a program with its output in a file, or on the screen of this process. */
export async function startChild(
  command: Command,
  output: string | { screen: true },
  watch?: ChildWatch,
): Promise<Child> {
  const words = [...underDeathSignal(command.deathSignal ?? 'KILL'), command.file, ...command.args]
  const log = typeof output === 'string' ? openLog(output) : undefined
  const child = spawn(words[0] ?? command.file, words.slice(1), {
    cwd: command.cwd,
    env: command.env ?? process.env,
    stdio: ['ignore', log ?? 'inherit', log ?? 'inherit'],
    detached: true,
  })
  if (log !== undefined) closeSync(log)
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => resolve(child.pid ?? 0))
  })
  watch?.add(pid)
  let running = child.exitCode === null && child.signalCode === null
  void exited.then(() => {
    running = false
    watch?.remove(pid)
  })
  const signal = (name: NodeJS.Signals): void => {
    if (running) child.kill(name)
  }
  return {
    pid,
    exited,
    get running() {
      return running
    },
    signal,
    async stop(name = 'SIGTERM', withinMs = 5_000) {
      signal(name)
      const insist = setTimeout(() => signal('SIGKILL'), withinMs)
      try {
        return await exited
      } finally {
        clearTimeout(insist)
      }
    },
  }
}

function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true })
  return openSync(file, 'a', 0o600)
}

/** Runs a program to its end. */
export async function runToEnd(command: Command, logFile: string, watch?: ChildWatch): Promise<Exit> {
  const child = await startChild(command, logFile, watch)
  return child.exited
}
