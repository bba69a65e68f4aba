/**
 * Everything that can ask a long-running command of this repository to end, turned into one call: signals (which npm
 * may deliver more than once), the end of npm itself, and an error that nobody expected.
 */
import { lookUpProcess } from './process-facts.ts'
import { ancestorsToWatch, watchAncestors } from './watch-ancestor.ts'

const FORCE_AFTER_MS = 2_000
const LOOK_AROUND_EVERY_MS = 500

export interface Endings {
  /** Whether the process that started this one is watched too, whatever it is. */
  withParent: boolean
  /** Called once, with the reason. */
  onEnd(why: string): void
  /** Called for each further request that comes later than an echo of the first would. */
  onForce(): void
}

export function listenForEnd({ withParent, onEnd, onForce }: Endings): () => void {
  let firstAt: number | undefined
  const end = (why: string): void => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      onEnd(why)
    } else if (performance.now() - firstAt > FORCE_AFTER_MS) {
      onForce()
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(signal))
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${error.stack ?? error.message}\n`)
    process.exitCode = 1
    end('an error of the launcher itself')
  })
  const parent = withParent ? lookUpProcess(process.ppid) : undefined
  const ancestors = [...ancestorsToWatch(process.pid), ...(parent === undefined ? [] : [parent])]
  const onGone = ({ command }: { command: string }): void => end(`${command} is gone`)
  return watchAncestors({ ancestors, everyMs: LOOK_AROUND_EVERY_MS, onGone })
}
