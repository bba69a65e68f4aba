/**
 * The database of this node, and whether it is as it should be: told by whatever is done with it, and where nothing is
 * done, by asking every two seconds. Until the tables were seen they are asked for, so that a database that was not
 * migrated is told apart from one that is away.
 */
import type { Cancel, Clock } from '@rhizom/machine'
import type { ConditionLog } from '@rhizom/process'
import { Database, type DatabaseOptions, type Sql } from './db/database.ts'
import { failureOf } from './db/failure.ts'
import { readInstallation } from './db/read/installation.ts'
import { postgresTrouble } from './postgres-trouble.ts'

const ASK_EVERY_MS = 2_000
const TABLES = 'tables'

export interface DatabaseWatch {
  condition: ConditionLog
  clock: Clock
  /** Told once, with the first answer. */
  installation(id: string): void
}

export class WatchedDatabase extends Database {
  readonly #condition: ConditionLog
  readonly #clock: Clock
  readonly #installation: (id: string) => void
  #isInstallationKnown = false
  #heardAtMs = Number.NEGATIVE_INFINITY
  #hasTables = false
  #timer: Cancel | undefined
  #isStopped = false

  constructor(options: DatabaseOptions, { condition, clock, installation }: DatabaseWatch) {
    super(options)
    this.#installation = installation
    this.#condition = condition
    this.#clock = clock
  }

  override async use<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      const result = await super.use(async (sql) => {
        if (!this.#isInstallationKnown) await this.#learnInstallation(sql)
        return work(sql)
      })
      this.#heard()
      this.#condition.good()
      return result
    } catch (error) {
      if (failureOf(error) === 'away' && !this.#isStopped) {
        this.#heard()
        this.#condition.bad(postgresTrouble(error))
      }
      throw error
    }
  }

  /** Whether it answers and has our tables. */
  async isReady(): Promise<boolean> {
    try {
      await this.use((sql) => sql`select from spaces limit 0`)
      this.#hasTables = true
      this.#condition.good(TABLES)
      return true
    } catch (error) {
      // What is away was told by `use`.
      if (failureOf(error) !== 'away') this.#condition.bad(postgresTrouble(error), TABLES)
      return false
    }
  }

  start(): void {
    void this.#ask()
  }

  override close(): Promise<void> {
    this.#isStopped = true
    this.#timer?.()
    return super.close()
  }

  /** Whatever is done with the database may end in a message, which nobody believes without it. */
  async #learnInstallation(sql: Sql): Promise<void> {
    const id = await readInstallation(sql)
    if (id === undefined) return
    this.#isInstallationKnown = true
    this.#installation(id)
  }

  #heard(): void {
    this.#heardAtMs = this.#clock.nowMs()
  }

  async #ask(): Promise<void> {
    const isQuiet = this.#clock.nowMs() - this.#heardAtMs >= ASK_EVERY_MS
    if (isQuiet || !this.#hasTables) await this.isReady()
    if (!this.#isStopped) this.#timer = this.#clock.after(ASK_EVERY_MS, () => void this.#ask())
  }
}
