/**
 * The way to Postgres: a bounded pool of connections, each lent to one piece of work at a time, with a deadline on
 * waiting and working together. A connection that failed or overran is thrown away, never given back: so a
 * transaction that died can never be continued on a connection made anew, and a hung server costs a deadline and no
 * more.
 *
 * Each connection is its own postgres.js client with its one connection reserved. The library's own pool, when a
 * connection dies inside a transaction, sends what was queued behind on a new connection, outside any transaction.
 * Work must not wait for anything but its own queries.
 */
import postgres from 'postgres'
import { DatabaseAway, failureOf, OutcomeUnknown } from './failure.ts'
import { PLANNING } from './planning.ts'

/** Times as Date, bigint as number: versions stay far below 2^53. */
export type Sql = postgres.Sql<{ bigint: number }>

export interface DatabaseOptions {
  url: string
  poolSize: number
  /** For waiting for a connection and the work on it together. */
  deadlineMs: number
  /** Names the connections in pg_stat_activity. */
  name: string
  /** Asked once of each new connection of the pool; one that is not fit is not lent. */
  isFit?: (sql: Sql) => Promise<boolean>
}

export interface DatabaseConnection {
  readonly sql: Sql
  readonly broken: boolean
  /** Ends it at once; queries under way reject. */
  drop: () => void
}

interface Idle {
  connection: DatabaseConnection
  sinceMs: number
}

/** A connection idle for longer is asked whether it lives: a link that broke without a word leaves it looking well. */
const PROBE_AFTER_MS = 500
/** Share of the deadline that a silent one may cost. */
const PROBE_SHARE = 0.25

interface Waiter {
  lend: () => void
  refuse: (error: DatabaseAway) => void
}

/**
 * Opens one connection. `onClosed` is called once when it is lost or dropped. After `idleTimeoutMs` without a query the
 * server ends it, and with it whatever locks it holds.
 */
export async function connect(
  options: Omit<DatabaseOptions, 'poolSize' | 'isFit'> & { idleTimeoutMs?: number },
  onClosed: () => void = () => undefined,
): Promise<DatabaseConnection> {
  const { deadlineMs } = options
  let broken = false
  const client = postgres(options.url, {
    max: 1,
    connect_timeout: Math.ceil(deadlineMs / 1000),
    // A reserved connection is not subject to it; it ends one that the library opened after we gave up on it.
    max_lifetime: 60,
    // The library asks for array types by a query of its own on each new connection, whose failure nobody can catch:
    // a connection lost at that moment would end the process. The few that are used are named below instead.
    fetch_types: false,
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    connection: {
      application_name: options.name,
      // The server gives up with us, so that a row lock does not long outlive its owner's interest in it.
      statement_timeout: deadlineMs,
      lock_timeout: deadlineMs,
      idle_in_transaction_session_timeout: deadlineMs,
      ...PLANNING,
      ...(options.idleTimeoutMs === undefined ? {} : { idle_session_timeout: options.idleTimeoutMs }),
    },
    onnotice: () => undefined,
    onclose: () => drop(),
  })
  for (const oid of ARRAY_TYPES) client.options.serializers[oid] = arrayLiteral
  const lost = Promise.withResolvers<never>()
  // Nobody waits for it any more once the connection is there.
  lost.promise.catch(() => undefined)
  const drop = () => {
    if (broken) return
    broken = true
    endQuietly(client)
    lost.reject(new DatabaseAway('the connection was lost'))
    onClosed()
  }
  const timer = setTimeout(drop, deadlineMs)
  try {
    const sql = await Promise.race([open(client), lost.promise])
    return {
      sql: refusing(sql, () => broken),
      drop,
      get broken() {
        return broken
      },
    }
  } catch (error) {
    drop()
    // Whatever the reason, from outside there is no database.
    throw failureOf(error) === 'away' ? error : new DatabaseAway(`not let in: ${messageOf(error)}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * Reserving a connection that is not open yet never settles where types are not asked for, also when it is lost, so one
 * is opened first; and whoever calls this waits for the loss as well.
 */
async function open(client: Sql): Promise<Sql> {
  await client`select`
  return client.reserve()
}

/**
 * The library takes a question in the moment after it has lost the connection, and writes it in a turn of its own to a
 * socket that is not there any more: an exception that nobody can catch, which would end the process. Work that was
 * under way asks just then, so here it is refused.
 */
const refusing = (sql: Sql, isLost: () => boolean): Sql =>
  new Proxy(sql, {
    apply(target, self, question) {
      if (isLost()) throw new DatabaseAway('the connection was lost')
      const asked: unknown = Reflect.apply(target, self, question)
      return asked
    },
  })

/** text[], uuid[] and timestamptz[]: the arrays that queries here are given. */
const ARRAY_TYPES = [1009, 2951, 1185] as const

/** A text is a literal already. */
const arrayLiteral = (items: readonly string[] | string): string =>
  typeof items === 'string'
    ? items
    : `{${items.map((item) => `"${item.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`

/** Ends a client nobody needs any more. Why it ends is known already, and its queries reject by themselves. */
function endQuietly(client: Sql): void {
  client.end({ timeout: 0 }).catch(() => undefined)
}

export class Database {
  readonly #options: DatabaseOptions
  readonly #idle: Idle[] = []
  readonly #waiting = new Set<Waiter>()
  /** Connections lent or being opened. */
  #lent = 0
  #closing = false
  #whenIdle: (() => void) | undefined

  constructor(options: DatabaseOptions) {
    this.#options = options
  }

  get lent(): number {
    return this.#lent
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Lends a connection to `work`, which may hold a transaction. Rejects with DatabaseAway when none is to be had in
   * time or it is lost under the work.
   */
  async use<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const deadlineAtMs = performance.now() + this.#options.deadlineMs
    await this.#turn(deadlineAtMs)
    let connection: DatabaseConnection | undefined
    try {
      connection = (await this.#reuse()) ?? (await this.#connect())
      return await this.#lend(connection, work, deadlineAtMs)
    } catch (error) {
      throw failureOf(error) === 'away' ? new DatabaseAway('Postgres does not answer', { cause: error }) : error
    } finally {
      if (connection !== undefined && !connection.broken) this.#keep(connection)
      this.#lent -= 1
      this.#next()
    }
  }

  /** Resolves if Postgres answers a question. */
  async ping(): Promise<void> {
    await this.use((sql) => sql`select 1`)
  }

  /** Waits for work under way, then closes every connection. */
  async close(): Promise<void> {
    this.#closing = true
    for (const waiter of this.#waiting) waiter.refuse(new DatabaseAway('closing'))
    if (this.#lent > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
    this.#dropIdle()
  }

  /**
   * An idle connection that lives. Where one is found dead the others are no better, and all make room for new ones.
   */
  async #reuse(): Promise<DatabaseConnection | undefined> {
    const idle = this.#idle.pop()
    if (idle === undefined || performance.now() - idle.sinceMs < PROBE_AFTER_MS) return idle?.connection
    if (await answers(idle.connection, this.#options.deadlineMs * PROBE_SHARE)) return idle.connection
    this.#dropIdle()
    return undefined
  }

  async #connect(): Promise<DatabaseConnection> {
    const { isFit = () => Promise.resolve(true) } = this.#options
    const connection = await connect(this.#options, () => this.#forgetBroken())
    const timer = setTimeout(connection.drop, this.#options.deadlineMs)
    try {
      if (await isFit(connection.sql)) return connection
      throw new DatabaseAway('this run of Postgres has no history yet, or is a replica')
    } catch (error) {
      connection.drop()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  #dropIdle(): void {
    for (const { connection } of this.#idle.splice(0)) connection.drop()
  }

  async #lend<T>(connection: DatabaseConnection, work: (sql: Sql) => Promise<T>, deadlineAtMs: number): Promise<T> {
    const timer = setTimeout(connection.drop, Math.max(0, deadlineAtMs - performance.now()))
    try {
      return await work(connection.sql)
    } catch (error) {
      // Whatever the work was doing ends with it: an unfinished transaction must not meet the next borrower.
      const lost = connection.broken || error instanceof OutcomeUnknown || failureOf(error) === 'away'
      if (lost || !(await canRollBack(connection))) connection.drop()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Resolves when one more connection may be in use, first come, first served. */
  #turn(deadlineAtMs: number): Promise<void> {
    if (this.#closing) return Promise.reject(new DatabaseAway('closing'))
    if (this.#lent < this.#options.poolSize) {
      this.#lent += 1
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        this.#waiting.delete(waiter)
      }
      const waiter: Waiter = {
        lend: () => {
          settle()
          this.#lent += 1
          resolve()
        },
        refuse: (error) => {
          settle()
          reject(error)
        },
      }
      const late = () => waiter.refuse(new DatabaseAway('no connection in time'))
      const timer = setTimeout(late, deadlineAtMs - performance.now())
      this.#waiting.add(waiter)
    })
  }

  #next(): void {
    const [waiter] = this.#waiting
    if (waiter !== undefined) waiter.lend()
    else if (this.#lent === 0) this.#whenIdle?.()
  }

  #keep(connection: DatabaseConnection): void {
    if (this.#closing) connection.drop()
    else this.#idle.push({ connection, sinceMs: performance.now() })
  }

  #forgetBroken(): void {
    const at = this.#idle.findIndex(({ connection }) => connection.broken)
    if (at >= 0) this.#idle.splice(at, 1)
  }
}

/** Whether it answers in time; one that does not is dropped. */
async function answers(connection: DatabaseConnection, withinMs: number): Promise<boolean> {
  const timer = setTimeout(connection.drop, withinMs)
  const answered = await connection.sql`select 1`.then(
    () => true,
    () => false,
  )
  clearTimeout(timer)
  if (!answered) connection.drop()
  return answered
}

const canRollBack = (connection: DatabaseConnection): Promise<boolean> =>
  connection.sql`rollback`.then(
    () => true,
    () => false,
  )
