/**
 * The database of this node, and whether it is as it should be: told by whatever is done with it, and by asking every
 * two seconds whether it has our tables, so that a database that was not migrated is told apart from one that is away,
 * and whether a later release has made it one that this node must leave alone.
 */
import type { Cancel, Clock } from '@rhizom/machine'
import type { ConditionLog } from '@rhizom/process'
import { Database, type DatabaseOptions, type Sql } from './db/database.ts'
import { DatabaseAway, failureOf } from './db/failure.ts'
import { type Installation, readInstallation } from './db/read/installation.ts'
import { KNOWN_MIGRATION } from './db/releases.ts'
import { postgresTrouble } from './postgres-trouble.ts'

const ASK_EVERY_MS = 2_000
const TABLES = 'tables'
const RELEASE = 'release'
const TOO_OLD = 'this release is too old for the database: a later one has migrated it'

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
  /** What the database asks of a release, as far as it was asked. */
  #leastMigration = 0
  #timer: Cancel | undefined
  #isStopped = false

  constructor(options: DatabaseOptions, { condition, clock, installation }: DatabaseWatch) {
    super(options)
    this.#installation = installation
    this.#condition = condition
    this.#clock = clock
  }

  override use<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    if (this.#isTooOld) return Promise.reject(new TooOld(TOO_OLD))
    return this.#watched(async (sql) => {
      if (!this.#isInstallationKnown) this.#learned(await readInstallation(sql))
      if (this.#isTooOld) throw new TooOld(TOO_OLD)
      return work(sql)
    })
  }

  get #isTooOld(): boolean {
    return this.#leastMigration > KNOWN_MIGRATION
  }

  async #watched<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      const result = await super.use(work)
      this.#condition.good()
      return result
    } catch (error) {
      if (failureOf(error) === 'away' && !(causeOf(error) instanceof TooOld) && !this.#isStopped)
        this.#condition.bad(postgresTrouble(error))
      throw error
    }
  }

  /** Whether it answers, has our tables, and is one that this release may use. */
  async isReady(): Promise<boolean> {
    try {
      await this.#watched(async (sql) => {
        await sql`select from spaces limit 0`
        this.#learned(await readInstallation(sql))
      })
      this.#condition.good(TABLES)
      return !this.#isTooOld
    } catch (error) {
      // What is away was told already.
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

  /** Whatever is done with the database may end in a message, which nobody believes without the id. */
  #learned(installation: Installation | undefined): void {
    if (installation === undefined) return
    const { id, leastMigration } = installation
    if (!this.#isInstallationKnown) this.#installation(id)
    this.#isInstallationKnown = true
    this.#leastMigration = leastMigration
    const problem = `it asks for migration ${leastMigration}, and the last one known here is ${KNOWN_MIGRATION}`
    if (this.#isTooOld) this.#condition.bad({ reason: TOO_OLD, problem }, RELEASE)
    else this.#condition.good(RELEASE)
  }

  async #ask(): Promise<void> {
    await this.isReady()
    if (!this.#isStopped) this.#timer = this.#clock.after(ASK_EVERY_MS, () => void this.#ask())
  }
}

/** To whoever asks it is away: another node may do what is asked. */
class TooOld extends DatabaseAway {}

const causeOf = (error: unknown): unknown => (error instanceof Error ? (error.cause ?? error) : error)
