/**
 * How much of a wait was nobody's fault but the machine's, so that a busy one is not taken for a node that does not
 * answer: what this process itself was late when the answer came, and as long as a node could have run and was given no
 * processor. A node that is held up has a processor, and nothing of that is taken off.
 */
import { readFileSync } from 'node:fs'
import type { ClusterNode } from './cluster.ts'

const EVERY_MS = 25
const KEPT = 4_000

interface Look {
  from: number
  to: number
  /** How long each process stood in line for a processor. */
  waited: ReadonlyMap<number, number>
}

export class LagMeter {
  readonly #nodes: readonly ClusterNode[]
  readonly #now: () => number
  readonly #looks: Look[] = []
  readonly #totals = new Map<number, number>()
  #timer: NodeJS.Timeout | undefined
  #lookedAt: number

  constructor(nodes: readonly ClusterNode[], now = (): number => performance.now()) {
    this.#nodes = nodes
    this.#now = now
    this.#lookedAt = now()
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#look(), EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** What was lost of one wait for something in which these nodes had their turn; never more than the wait. */
  lost(from: number, to: number, nodes: readonly ClusterNode[]): number {
    const pids = runningPids(nodes)
    this.#look()
    let lost = 0
    for (const look of this.#looks) {
      const common = Math.min(to, look.to) - Math.max(from, look.from)
      if (common <= 0) continue
      const share = common / (look.to - look.from)
      for (const pid of pids) lost += share * (look.waited.get(pid) ?? 0)
      // In the middle of a wait nothing has to be done here.
      if (look.to >= to) lost += Math.min(common, Math.max(0, look.to - look.from - EVERY_MS))
    }
    return Math.min(lost, to - from)
  }

  /**
   * The same of a whole stretch of work that goes through this process and all nodes: whatever any of them was late in
   * it. What is promised of a machine that has time is held against the rest.
   */
  lostThroughout(from: number, to: number): number {
    // Whoever waits asks more often than there is something to see.
    if (this.#now() - this.#lookedAt >= EVERY_MS) this.#look()
    let lost = 0
    for (const look of this.#looks) {
      const common = Math.min(to, look.to) - Math.max(from, look.from)
      if (common <= 0) continue
      const late = Math.max(0, look.to - look.from - EVERY_MS)
      lost += (common / (look.to - look.from)) * [...look.waited.values()].reduce((sum, waited) => sum + waited, late)
    }
    return Math.min(lost, to - from)
  }

  #look(): void {
    const now = this.#now()
    const from = this.#lookedAt
    if (now <= from) return
    this.#lookedAt = now
    this.#looks.push({
      from,
      to: now,
      waited: new Map(runningPids(this.#nodes).map((pid) => [pid, this.#waited(pid)])),
    })
    if (this.#looks.length > KEPT) this.#looks.splice(0, this.#looks.length - KEPT)
  }

  #waited(pid: number): number {
    const total = waitedMs(pid)
    const before = this.#totals.get(pid) ?? total
    this.#totals.set(pid, total)
    return Math.max(0, total - before)
  }
}

const runningPids = (nodes: readonly ClusterNode[]): number[] =>
  nodes.flatMap((node) => (node.isRunning ? [node.pid] : []))

/** As the scheduler of Linux counts it, for the thread that runs everything; elsewhere it is not known. */
function waitedMs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1_000_000
  } catch {
    return 0
  }
}
