/**
 * Leads, if this node has the lock of the leader: carries out what core/leadership.ts decides.
 *
 * When the node dies or loses the connection the lock is free, and the next node that asks has it. A link that breaks
 * without a word is found by both ends: here the election and the duties on the connection of the lock have a deadline,
 * and the server ends a session that is silent.
 *
 * A session counts as silent only between two questions. The driver asks one with parameters in two steps when it is
 * new, and a server that waits for the second would keep the lock for a leader it cannot hear for as long as the
 * connection seems to live. So while the lock is held no question has parameters.
 */
import { Runner, systemClock } from '@rhizom/machine'
import type { ConditionLog, ProcessLog } from '@rhizom/process'
import { type DatabaseConnection, connect } from '../db/database.ts'
import { failureOf } from '../db/failure.ts'
import { takeLeaderLock } from '../db/leader-lock.ts'
import type { Metrics } from '../observe.ts'
import { postgresTrouble } from '../postgres-trouble.ts'
import {
  type DutyName,
  initialLeadership,
  type Leadership,
  type LeadershipEffect,
  type LeadershipEvent,
  leadershipMachine,
  type LeadershipTimes,
} from './core/leadership.ts'
import type { Duty, Term } from './duty.ts'
import { checkLineageAtElection } from './lineage.ts'

/** Intervals of silence after which the server takes the lock away, and the least time for that. */
const SILENT_INTERVALS = 4
const SILENT_AT_LEAST_MS = 2_000

/** One reason for all of it, so that it is one line; which part of it is beside the problem. */
const UNDONE = 'what a leader does cannot be done: heads are late, nothing is pruned'

export interface LeaderDeps {
  databaseUrl: string
  times: LeadershipTimes
  duties: Readonly<Record<DutyName, Duty>>
  metrics: Metrics
  log: ProcessLog
  /** That what a leader does is done. That Postgres is away is said elsewhere. */
  condition: ConditionLog
}

interface HeldTerm extends Term {
  isOver: boolean
  readonly connection: DatabaseConnection
}

export class Leader {
  readonly #deps: LeaderDeps
  readonly #underWay = new Set<Promise<void>>()
  #runner: Runner<Leadership, LeadershipEvent, LeadershipEffect> | undefined
  #connection: DatabaseConnection | undefined
  #term: HeldTerm | undefined

  constructor(deps: LeaderDeps) {
    this.#deps = deps
  }

  get isLeading(): boolean {
    return this.#runner?.state.status === 'leading'
  }

  start(): void {
    this.#runner = new Runner<Leadership, LeadershipEvent, LeadershipEffect>({
      machine: leadershipMachine(this.#deps.times),
      initial: initialLeadership(systemClock.nowMs()),
      clock: systemClock,
      random: Math.random,
      carryOut: (effect) => this.#carryOut(effect),
      faulted: (error) => this.#deps.log.error({ err: error }, 'a fault of the leader'),
      changed: () => undefined,
    })
  }

  /** Gives up the lock by closing the connection. */
  async stop(): Promise<void> {
    this.#runner?.stop()
    if (this.#term !== undefined) this.#term.isOver = true
    await Promise.all(this.#underWay)
    this.#connection?.drop()
  }

  #carryOut(effect: LeadershipEffect): void {
    switch (effect.type) {
      case 'askForLock':
        return this.#follow(this.#elect(effect.term))
      case 'lead':
        return this.#lead()
      case 'follow':
        return this.#stepDown()
      case 'runDuty':
        return this.#follow(this.#run(effect.duty, effect.term))
      case 'dropConnection':
        return this.#connection?.drop()
      default:
        return effect satisfies never
    }
  }

  /** Until it is done, a stop waits for it. It never rejects. */
  #follow(work: Promise<void>): void {
    const done = work.finally(() => this.#underWay.delete(done))
    this.#underWay.add(done)
  }

  async #elect(term: number): Promise<void> {
    const { metrics, log, condition } = this.#deps
    let hasWon = false
    try {
      const connection = this.#connection ?? (await this.#connect())
      if (!this.#isAsking(term)) return connection.drop()
      this.#connection = connection
      hasWon = await takeLeaderLock(connection.sql)
      // Whoever comes to lead has just connected: if Postgres was replaced meanwhile, this is the moment to find out.
      if (hasWon) await checkLineageAtElection(connection.sql, metrics, log)
      condition.good('election')
    } catch (error) {
      hasWon = false
      this.#connection?.drop()
      if (failureOf(error) !== 'away') condition.bad({ ...postgresTrouble(error), reason: UNDONE }, 'election')
    }
    this.#runner?.dispatch({ type: hasWon ? 'electionWon' : 'electionLost', term })
  }

  #isAsking(term: number): boolean {
    const state = this.#runner?.state
    return this.#runner?.isStopped === false && state?.status === 'asking' && state.term === term
  }

  #connect(): Promise<DatabaseConnection> {
    const { databaseUrl, times } = this.#deps
    const idleTimeoutMs = Math.max(SILENT_AT_LEAST_MS, SILENT_INTERVALS * times.everyMs)
    const { deadlineMs } = times
    return connect({ url: databaseUrl, deadlineMs, idleTimeoutMs, name: 'rhizom-api-leader' }, () => {
      // One that is lost while it opens, or was not wanted any more, is nobody's.
      if (this.#connection?.broken !== true) return
      this.#connection = undefined
      this.#runner?.dispatch({ type: 'connectionLost' })
    })
  }

  #lead(): void {
    const connection = this.#connection
    if (connection === undefined) return
    this.#term = { sql: connection.sql, connection, isOver: false }
    this.#deps.metrics.headsLeader.set(1)
    this.#deps.log.info('leading: announcing heads and pruning')
  }

  #stepDown(): void {
    if (this.#term !== undefined) this.#term.isOver = true
    this.#term = undefined
    this.#deps.metrics.headsLeader.set(0)
    this.#deps.condition.forget('duty ')
    this.#deps.log.info('not leading any more')
  }

  async #run(duty: DutyName, number: number): Promise<void> {
    const { duties, times, condition } = this.#deps
    const term = this.#term
    if (term === undefined) return
    try {
      await duties[duty].run(term)
      condition.good(`duty ${duty}`)
    } catch (error) {
      // One that has a deadline is done on the connection of the lock.
      if (times.duties[duty].deadlineMs !== undefined) term.connection.drop()
      if (failureOf(error) !== 'away') condition.bad({ ...postgresTrouble(error), reason: UNDONE }, `duty ${duty}`)
    }
    this.#runner?.dispatch({ type: 'dutyDone', term: number, duty })
  }
}
