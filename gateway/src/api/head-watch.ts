/** Runs the poll (core/poll.ts) that asks the api where the watched spaces stand, and tells the feeds. */
import { type Clock, type Random, Runner } from '@rhizom/machine'
import type { Position, SpaceId } from '@rhizom/protocol'
import { type Poll, type PollEffect, type PollEvent, pollMachine, type PollSettings, startPoll } from '../core/poll.ts'
import type { ApiClient, HeadsOutcome } from '../ports.ts'
import type { Wall } from '../wall.ts'

export interface HeadWatchDeps {
  clock: Clock
  random: Random
  api: ApiClient
  wall: Wall
  settings: PollSettings
  watched(): readonly SpaceId[]
  /** `position` is missing where the api knows no such space. */
  learned(space: SpaceId, position: Position | undefined): void
  polled(outcome: HeadsOutcome['type']): void
}

export class HeadWatch {
  readonly #deps: HeadWatchDeps
  readonly #runner: Runner<Poll, PollEvent, PollEffect>

  constructor(deps: HeadWatchDeps) {
    this.#deps = deps
    const { clock, random, wall, settings } = deps
    this.#runner = new Runner({
      machine: pollMachine(settings),
      initial: startPoll(clock.nowMs(), random(), settings),
      clock,
      random,
      carryOut: () => this.#ask(),
      faulted: (error) => wall.report('timer', error),
      changed: () => {},
    })
  }

  dispatch(event: PollEvent): void {
    this.#runner.dispatch(event)
  }

  stop(): void {
    this.#runner.stop()
  }

  #ask(): void {
    const { api, watched, polled, learned } = this.#deps
    const spaces = watched()
    if (spaces.length === 0) {
      this.dispatch({ type: 'pollAnswered' })
      return
    }
    const answered = (outcome: HeadsOutcome): void => {
      if (this.#runner.isStopped) return
      polled(outcome.type)
      if (outcome.type === 'answered') for (const space of spaces) learned(space, outcome.heads.get(space))
      this.dispatch({ type: outcome.type === 'answered' ? 'pollAnswered' : 'pollFailed' })
    }
    api.heads(spaces).then(answered, (error: unknown) => answered({ type: 'failed', problem: String(error) }))
  }
}
