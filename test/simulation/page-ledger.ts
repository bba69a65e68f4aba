/**
 * What people wrote on pages, and what became of it, told by those who see it: pages as they ask and are told, the api
 * as it is asked and commits, browsers as they keep and forget. It knows nothing of how the client does it.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Mutation, MutationId, MutationResult, SpaceId } from '@rhizom/protocol'
import type { MutationOutcome } from '../../client/src/core/queue-state.ts'
import type { Oracle } from './oracle.ts'

export interface Asked {
  mutation: Mutation
  space: SpaceId
  /** What is written nowhere else. */
  text: string
  page: string
  /** As the api has it. */
  state: 'open' | 'applied' | 'refused'
  /** In how many requests it reached the api. */
  times: number
  isCancelled: boolean
  /** The last who held it are gone, or the database lost it: it may come or not. */
  isExcused: boolean
  /** When its page was told that it never is carried out. */
  neverSince: number | undefined
}

export class PageLedger {
  readonly asked = new Map<MutationId, Asked>()
  readonly #oracle: Oracle
  readonly #elapsed: () => number
  readonly #met: (what: string) => void
  #number = 0

  constructor(oracle: Oracle, elapsed: () => number, met: (what: string) => void) {
    this.#oracle = oracle
    this.#elapsed = elapsed
    this.#met = met
  }

  nextText(): string {
    this.#number += 1
    return `w${this.#number};`
  }

  ask(page: string, space: SpaceId, mutation: Mutation, text: string): void {
    this.asked.set(mutation.id, {
      mutation,
      space,
      text,
      page,
      state: 'open',
      times: 0,
      isCancelled: false,
      isExcused: false,
      neverSince: undefined,
    })
  }

  cancelled(id: MutationId): void {
    const one = this.asked.get(id)
    if (one !== undefined) one.isCancelled = true
  }

  /** It is in a request that reached the api. */
  reached(mutation: Mutation): void {
    const one = this.asked.get(mutation.id)
    if (one === undefined) return this.#oracle.fail('S27', `${JSON.stringify(mutation)} was asked for by nobody`)
    one.times += 1
    const isAsAsked = isDeepStrictEqual(one.mutation, mutation)
    if (!isAsAsked && !one.isCancelled)
      this.#oracle.fail('S27', `${one.text} is sent as ${JSON.stringify(mutation)}, which is not what was asked for`)
  }

  committed(id: MutationId, result: MutationResult): void {
    const one = this.asked.get(id)
    if (one === undefined) return
    if (result.status === 'rejected') {
      one.state = 'refused'
      return this.#met(one.isCancelled ? 'a cancelled one was taken back' : 'a refusal')
    }
    if (one.neverSince !== undefined)
      this.#oracle.fail('S29', `${one.text} is carried out, and its page was told that it never was`)
    one.state = 'applied'
    for (const other of this.asked.values()) {
      if (other === one) return
      if (other.page !== one.page || other.space !== one.space || other.state !== 'open') continue
      if (!other.isCancelled && !other.isExcused)
        this.#oracle.fail('S28', `${one.text} of ${one.page} is carried out in ${one.space} before ${other.text}`)
    }
  }

  told(page: string, outcome: MutationOutcome): void {
    const one = this.asked.get(outcome.id)
    if (one === undefined) return
    if (outcome.status === 'applied') {
      if (one.state !== 'applied' && !one.isExcused)
        this.#oracle.fail('S29', `${page} is told that ${one.text} was carried out, and it is ${one.state}`)
    } else if (outcome.code === 'cancelled') {
      one.neverSince ??= this.#elapsed()
      if (one.state === 'applied') this.#oracle.fail('S29', `${page} is told that ${one.text} was taken back in time`)
    } else if (outcome.code !== 'closed' && one.state !== 'refused')
      this.#oracle.fail('S29', `${page} is told that ${one.text} is refused (${outcome.code}), and it is ${one.state}`)
  }

  /** A page is gone, or gave its store up: what was taken back just now may still be in the store. */
  hadNoTime(page: string, sinceMs: number): void {
    for (const one of this.asked.values())
      if (one.page === page && one.neverSince !== undefined && one.neverSince > this.#elapsed() - sinceMs)
        one.neverSince = undefined
  }

  /** A store let go of it. */
  forgotten(id: MutationId): void {
    const one = this.asked.get(id)
    if (one?.state === 'open' && !one.isCancelled && !one.isExcused)
      this.#oracle.fail('S27', `the store lets go of ${one.text}, of which nobody knows what became`)
  }

  /** Something is done that those who hold what waits may not outlive. */
  around(held: () => ReadonlySet<MutationId>, destroy: () => void): void {
    const before = held()
    destroy()
    const after = held()
    for (const id of before) if (!after.has(id)) this.excuse(id)
  }

  excuse(id: MutationId): void {
    const one = this.asked.get(id)
    if (one !== undefined) one.isExcused = true
  }

  /** The database came back without what was carried out after a version. */
  restored(lost: readonly MutationId[]): void {
    for (const id of lost) {
      const one = this.asked.get(id)
      if (one === undefined) continue
      one.state = 'open'
      one.isExcused = true
    }
  }

  /** All is well: what was asked for since then was sent once. */
  expectSentOnce(since: number): void {
    for (const { text, page, times } of [...this.asked.values()].slice(since))
      if (times !== 1) this.#oracle.fail('S36', `${text} of ${page} was sent ${times} times while all was well`)
  }

  /** What has not come to an end, in words. */
  missing(): string | undefined {
    for (const { state, isCancelled, isExcused, text, page } of this.asked.values())
      if (state === 'open' && !isCancelled && !isExcused) return `${text} of ${page} has not arrived`
    return undefined
  }
}
