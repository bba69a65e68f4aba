/** What this folder's starters hand out: a server that runs, and how to end it. */
import type { Exit } from './child.ts'

export interface Service {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly exited: Promise<Exit>
  /** Ends it, in order unless another signal is given; resolves when the process is gone. */
  stop(signal?: NodeJS.Signals): Promise<Exit>
}
