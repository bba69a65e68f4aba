/**
 * Tells followers what is new in their spaces: runs the machine of core/news/news.ts on the api and the connections.
 * A connection that asked to be told is here until it is gone; those of one being are told the same.
 */
import { type Clock, type Random, Runner } from '@rhizom/machine'
import type { BeingId, InternalNewsBody, NewsFrame, Position, SpaceId } from '@rhizom/protocol'
import {
  type NewsEffect,
  type NewsEvent,
  newsMachine,
  type NewsSettings,
  type NewsState,
  startNews,
} from '../core/news/news.ts'
import type { ApiClient, NewsOutcome } from '../ports.ts'
import type { Wall } from '../wall.ts'

/** A connection, as this sees it. */
export interface NewsFollower {
  newsLearned(frame: NewsFrame): void
}

export interface NewsDeskDeps {
  clock: Clock
  random: Random
  api: ApiClient
  wall: Wall
  settings: NewsSettings
  asked(outcome: NewsOutcome['type']): void
}

interface Place {
  being: BeingId
  id: number
}

export class NewsDesk {
  readonly #deps: NewsDeskDeps
  readonly #places = new Map<NewsFollower, Place>()
  readonly #byBeing = new Map<BeingId, Map<number, NewsFollower>>()
  readonly #runner: Runner<NewsState, NewsEvent, NewsEffect>
  #lastId = 0

  constructor(deps: NewsDeskDeps) {
    this.#deps = deps
    this.#runner = new Runner({
      ...deps,
      machine: newsMachine(deps.settings),
      initial: startNews(deps.clock.nowMs(), deps.settings),
      carryOut: (effect) => this.#carryOut(effect),
      faulted: (error) => deps.wall.report('news', error),
      changed: () => {},
    })
  }

  /** How many connections follow. */
  get size(): number {
    return this.#places.size
  }

  /** Those of whose heads somebody wants to know. */
  get spaces(): Iterable<SpaceId> {
    return this.#runner.state.book.spaces
  }

  /** Gives everything to a connection, and from then on what changes. */
  follow(follower: NewsFollower, being: BeingId): void {
    const place = this.#places.get(follower) ?? { being, id: ++this.#lastId }
    this.#places.set(follower, place)
    const others = this.#byBeing.get(place.being)
    if (others === undefined) this.#byBeing.set(place.being, new Map([[place.id, follower]]))
    else others.set(place.id, follower)
    this.#dispatch({ type: 'followed', being: place.being, follower: place.id })
  }

  leave(follower: NewsFollower): void {
    const place = this.#places.get(follower)
    if (place === undefined) return
    this.#places.delete(follower)
    const others = this.#byBeing.get(place.being)
    others?.delete(place.id)
    if (others === undefined || others.size > 0) return
    this.#byBeing.delete(place.being)
    this.#dispatch({ type: 'unfollowed', being: place.being })
  }

  headsLearned(heads: Iterable<readonly [SpaceId, Position | undefined]>): void {
    this.#dispatch({ type: 'headsLearned', heads })
  }

  /** To whom which space became another one. */
  concerned(spaces: Readonly<Record<SpaceId, readonly BeingId[]>>): void {
    this.#dispatch({ type: 'concerned', spaces })
  }

  busRecovered(): void {
    this.#dispatch({ type: 'busRecovered' })
  }

  stop(): void {
    this.#runner.stop()
  }

  #dispatch(event: NewsEvent): void {
    this.#runner.dispatch(event)
  }

  #carryOut(effect: NewsEffect): void {
    switch (effect.type) {
      case 'ask':
        this.#ask(effect.question)
        return
      case 'tell': {
        const followers = this.#byBeing.get(effect.being)
        if (effect.follower !== undefined) followers?.get(effect.follower)?.newsLearned(effect.frame)
        else for (const follower of [...(followers?.values() ?? [])]) follower.newsLearned(effect.frame)
        return
      }
      default:
        effect satisfies never
    }
  }

  #ask(question: InternalNewsBody): void {
    const { api, asked } = this.#deps
    const answered = (outcome: NewsOutcome): void => {
      if (this.#runner.isStopped) return
      asked(outcome.type)
      this.#dispatch(
        outcome.type === 'answered'
          ? { type: 'answered', question, answer: outcome.answer }
          : { type: 'failed', question },
      )
    }
    api.news(question).then(answered, (error: unknown) => answered({ type: 'failed', problem: String(error) }))
  }
}
