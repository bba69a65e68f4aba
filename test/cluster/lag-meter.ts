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
  /** All of that, and what this process was late. */
  lost: number
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
    const lost = this.#sum(from, to, (look, common) => {
      const share = common / (look.to - look.from)
      const waited = pids.reduce((sum, pid) => sum + (look.waited.get(pid) ?? 0), 0)
      // In the middle of a wait nothing has to be done here.
      return share * waited + (look.to >= to ? Math.min(common, Math.max(0, look.to - look.from - EVERY_MS)) : 0)
    })
    return Math.min(lost, to - from)
  }

  /**
   * The same of a whole stretch of work that goes through this process and all nodes: whatever any of them was late in
   * it. What is promised of a machine that has time is held against the rest.
   */
  lostThroughout(from: number, to: number): number {
    // Whoever waits asks more often than there is something to see.
    if (this.#now() - this.#lookedAt >= EVERY_MS) this.#look()
    return Math.min(
      this.#sum(from, to, (look, common) => (common / (look.to - look.from)) * look.lost),
      to - from,
    )
  }

  /** Over the looks that share time with a stretch: the latest ones, mostly. */
  #sum(from: number, to: number, lostIn: (look: Look, commonMs: number) => number): number {
    let sum = 0
    for (let index = this.#looks.length - 1; index >= 0; index -= 1) {
      const look = this.#looks[index]
      if (look === undefined || look.to <= from) break
      const common = Math.min(to, look.to) - Math.max(from, look.from)
      if (common > 0) sum += lostIn(look, common)
    }
    return sum
  }

  #look(): void {
    const now = this.#now()
    const from = this.#lookedAt
    if (now <= from) return
    this.#lookedAt = now
    const waited = new Map(runningPids(this.#nodes).map((pid) => [pid, this.#waited(pid)]))
    const late = Math.max(0, now - from - EVERY_MS)
    this.#looks.push({ from, to: now, waited, lost: [...waited.values()].reduce((sum, ms) => sum + ms, late) })
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
