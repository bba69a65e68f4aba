/**
 * Keeps what is known of removed beings and ended sessions (core/revocations.ts) in step with the api: asks for all
 * when the gateway starts, and later for what came since, at the times of core/poll.ts. What the bus says meanwhile is
 * only sooner.
 *
 * Until the first answer everybody with a good token is let in: who should not be is put out when it comes.
 */
import type { RevokedCursor, RevokedIds } from '@rhizom/protocol'
import { type Poll, type PollEffect, type PollEvent, pollMachine, type PollSettings, startPoll } from '../core/poll.ts'
import { Revocations, type TokenId } from '../core/revocations.ts'
import { type Clock, type Random, Runner } from '@rhizom/machine'
import type { ApiClient, RevokedOutcome } from '../ports.ts'
import type { Wall } from '../wall.ts'

export interface RevocationWatchDeps {
  clock: Clock
  random: Random
  api: ApiClient
  wall: Wall
  settings: PollSettings
  /** These were not known to be removed or ended before. */
  revoked(ids: ReadonlySet<TokenId>): void
  asked(outcome: RevokedOutcome['type']): void
}

export class RevocationWatch {
  readonly #deps: RevocationWatchDeps
  readonly #revocations = new Revocations()
  #cursor: RevokedCursor = { since: 0 }
  readonly #poll: Runner<Poll, PollEvent, PollEffect>

  constructor(deps: RevocationWatchDeps) {
    this.#deps = deps
    const { clock, random, wall, settings } = deps
    this.#poll = new Runner({
      machine: pollMachine(settings),
      initial: startPoll(clock.nowMs(), 0, settings),
      clock,
      random,
      carryOut: () => this.#ask(),
      faulted: (error) => wall.report('timer', error),
      changed: () => {},
    })
    this.dispatch({ type: 'checkWanted' })
  }

  get size(): number {
    return this.#revocations.size
  }

  isRevoked(id: TokenId): boolean {
    return this.#revocations.isRevoked(id, this.#deps.clock.dateMs())
  }

  learn(revoked: RevokedIds): void {
    const news = this.#revocations.learn(revoked, this.#deps.clock.dateMs())
    if (news.size > 0) this.#deps.revoked(news)
  }

  dispatch(event: PollEvent): void {
    this.#poll.dispatch(event)
  }

  stop(): void {
    this.#poll.stop()
  }

  /** Page by page; what was learned counts, also if a later page fails. */
  #ask(): void {
    const { api, asked } = this.#deps
    const answered = (outcome: RevokedOutcome): void => {
      if (this.#poll.isStopped) return
      asked(outcome.type)
      if (outcome.type === 'failed') {
        this.dispatch({ type: 'pollFailed' })
        return
      }
      this.#cursor = outcome.next
      this.learn({ ...outcome.revoked, ...outcome.sessions })
      if (outcome.isWhole) this.dispatch({ type: 'pollAnswered' })
      else this.#ask()
    }
    const failed = (error: unknown): void => answered({ type: 'failed', problem: String(error) })
    api.revoked(this.#cursor).then(answered, failed)
  }
}
