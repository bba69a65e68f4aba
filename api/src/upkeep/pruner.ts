/**
 * Prunes log and ledger now and then, on the one node that leads (publish/heads.ts). A round that was cut short by an
 * error or a stop is made up for by the next, by whichever node leads then. Two at once would do no harm.
 */
import type { Database } from '../db/database.ts'
import { failureOf } from '../db/failure.ts'
import {
  pruneChangesByAge,
  pruneChangesByCount,
  pruneLedger,
  type Retention,
  spacesChangedSince,
} from '../db/retention.ts'
import type { Log, Metrics } from '../observe.ts'

/** Rows a statement removes: it holds a connection for some milliseconds, not for as long as there is something. */
const ROWS_AT_ONCE = 5000
const SPACES_AT_ONCE = 500
/** Spaces are asked again for a while: changed_at is exact to a second only, and clocks of two nodes differ. */
const OVERLAP_MS = 60_000

export interface PrunerOptions {
  retention: Retention
  intervalMs: number
  isLeader: () => boolean
}

export class Pruner {
  readonly #database: Database
  readonly #options: PrunerOptions
  readonly #metrics: Metrics
  readonly #log: Log
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()
  #stopped = false
  #countedTo: Date | undefined

  constructor(database: Database, options: PrunerOptions, metrics: Metrics, log: Log) {
    this.#database = database
    this.#options = options
    this.#metrics = metrics
    this.#log = log
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#round = this.#prune()
        .catch((error: unknown) => {
          if (failureOf(error) !== 'away') this.#log.error({ err: error }, 'pruning failed; tried again later')
        })
        .finally(() => {
          if (!this.#stopped) this.start()
        })
    }, this.#options.intervalMs)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#round
  }

  async #prune(): Promise<void> {
    if (!this.#options.isLeader()) {
      this.#countedTo = undefined
      return
    }
    const { retention } = this.#options
    await this.#untilDone('changes', (most) => this.#database.use((sql) => pruneChangesByAge(sql, retention, most)))
    await this.#untilDone('mutations', (most) => this.#database.use((sql) => pruneLedger(sql, retention, most)))
    const begunAt = new Date(Date.now() - OVERLAP_MS)
    const spaces = await this.#database.use((sql) => spacesChangedSince(sql, this.#countedTo))
    for (let at = 0; at < spaces.length; at += SPACES_AT_ONCE) {
      const some = spaces.slice(at, at + SPACES_AT_ONCE)
      await this.#untilDone('changes', (most) =>
        this.#database.use((sql) => pruneChangesByCount(sql, some, retention, most)),
      )
    }
    this.#countedTo = begunAt
  }

  async #untilDone(table: 'changes' | 'mutations', prune: (most: number) => Promise<number>): Promise<void> {
    for (let removed = ROWS_AT_ONCE; removed === ROWS_AT_ONCE && !this.#stopped; ) {
      removed = await prune(ROWS_AT_ONCE)
      this.#metrics.pruned.inc({ table }, removed)
    }
  }
}
