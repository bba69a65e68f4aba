/**
 * `npm start` puts npm and npx between the terminal and the launcher. Killed with SIGKILL they cannot pass anything on,
 * and the launcher would go on alone; so it looks about twice a second whether they still run.
 *
 *   shell ── npm start ── npm exec ── launcher        watched: both of npm, not the shell, which may well end first
 */
import { lookUpProcess, type LookUpProcess, type ProcessFacts, stillRuns } from './process-facts.ts'

const PACKAGE_MANAGER = /^(\S*\/)?(node\s+)?(\S*\/)?(npm|npx|pnpm|yarn)(-cli)?(\.[cm]?js)?(\s|$)/
const SHELL = /^-?(\S*\/)?(sh|bash|dash|ash|zsh)(\s|$)/
const MAX_GENERATIONS = 10

/** The package managers above a process, and the shells between them. */
export function ancestorsToWatch(pid: number, lookUp: LookUpProcess = lookUpProcess): ProcessFacts[] {
  const chain: ProcessFacts[] = []
  let next = lookUp(pid)?.parent
  while (next !== undefined && next > 1 && chain.length < MAX_GENERATIONS) {
    const facts = lookUp(next)
    if (facts === undefined || !(PACKAGE_MANAGER.test(facts.command) || SHELL.test(facts.command))) break
    chain.push(facts)
    next = facts.parent
  }
  const last = chain.findLastIndex(({ command }) => PACKAGE_MANAGER.test(command))
  return chain.slice(0, last + 1)
}

export interface AncestorWatch {
  ancestors: ProcessFacts[]
  everyMs: number
  onGone: (ancestor: ProcessFacts) => void
  lookUp?: LookUpProcess
}

/** Calls `onGone` once, when the first of them is gone. */
export function watchAncestors({ ancestors, everyMs, onGone, lookUp = lookUpProcess }: AncestorWatch): () => void {
  const timer = setInterval(() => {
    const gone = ancestors.find((ancestor) => !stillRuns(ancestor, lookUp))
    if (gone === undefined) return
    clearInterval(timer)
    onGone(gone)
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
