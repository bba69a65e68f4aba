/**
 * Keeps what is known of removed beings (core/revocations.ts) in step with the api: asks for all when the gateway
 * starts, and later for what came since, at the times of core/poll.ts. What the bus says meanwhile is only sooner.
 *
 * Until the first answer everybody with a good token is let in: who should not be is put out when it comes.
 */
import type { BeingId, Revoked, RevokedPlace } from '@rhizom/protocol'
import type { PollEvent, PollSettings } from '../core/poll.ts'
import { Revocations } from '../core/revocations.ts'
import { PollRunner } from './poll.ts'
import type { Clock, Random } from '@rhizom/machine'
import type { ApiClient, RevokedOutcome } from '../ports.ts'

export interface RevocationWatchPorts {
  clock: Clock
  random: Random
  reader: ApiClient
  settings: PollSettings
  /** These were not known to be removed before. */
  revoked(beings: ReadonlySet<BeingId>): void
  asked(outcome: RevokedOutcome['type']): void
}

export class RevocationWatch {
  readonly #ports: RevocationWatchPorts
  readonly #revocations = new Revocations()
  #place: RevokedPlace = { since: 0 }
  readonly #poll: PollRunner

  constructor(ports: RevocationWatchPorts) {
    this.#ports = ports
    this.#poll = new PollRunner({ ...ports, spread: 0, ask: () => this.#ask() })
    this.dispatch({ type: 'checkWanted' })
  }

  get size(): number {
    return this.#revocations.size
  }

  isRevoked(being: BeingId): boolean {
    return this.#revocations.isRevoked(being, this.#ports.clock.dateMs())
  }

  learn(revoked: Revoked): void {
    const news = this.#revocations.learn(revoked, this.#ports.clock.dateMs())
    if (news.size > 0) this.#ports.revoked(news)
  }

  dispatch(event: PollEvent): void {
    // A reader that cannot tell is not asked; then only the bus says who was removed.
    if (this.#ports.reader.revoked !== undefined) this.#poll.dispatch(event)
  }

  stop(): void {
    this.#poll.stop()
  }

  /** Page by page; what was learned counts, also if a later page fails. */
  #ask(): void {
    const { reader, random, asked } = this.#ports
    const answered = (outcome: RevokedOutcome): void => {
      if (this.#poll.isStopped) return
      asked(outcome.type)
      if (outcome.type === 'failed') {
        this.dispatch({ type: 'pollFailed', random: random() })
        return
      }
      this.#place = outcome.next
      this.learn(outcome.revoked)
      if (outcome.isWhole) this.dispatch({ type: 'pollAnswered', random: random() })
      else this.#ask()
    }
    const failed = (error: unknown): void => answered({ type: 'failed', problem: String(error) })
    reader.revoked?.(this.#place).then(answered, failed)
  }
}
