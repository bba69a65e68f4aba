/** Runs the heads poll (core/poll.ts): asks the api where the watched spaces stand and tells the feeds. */
import type { Position, SpaceId } from '@rhizom/protocol'
import type { PollEvent, PollSettings } from '../core/poll.ts'
import { PollRunner } from './poll.ts'
import type { Clock, Random } from '@rhizom/machine'
import type { HeadsOutcome, ApiClient } from '../ports.ts'

export interface HeadWatchPorts {
  clock: Clock
  random: Random
  reader: ApiClient
  settings: PollSettings
  watched(): readonly SpaceId[]
  /** `position` is missing where the api knows no such space. */
  learned(space: SpaceId, position: Position | undefined): void
  polled(outcome: HeadsOutcome['type']): void
}

export class HeadWatch {
  readonly #ports: HeadWatchPorts
  readonly #poll: PollRunner

  constructor(ports: HeadWatchPorts) {
    this.#ports = ports
    this.#poll = new PollRunner({ ...ports, spread: ports.random(), ask: () => this.#ask() })
  }

  dispatch(event: PollEvent): void {
    this.#poll.dispatch(event)
  }

  stop(): void {
    this.#poll.stop()
  }

  #ask(): void {
    const { reader, random } = this.#ports
    const spaces = this.#ports.watched()
    if (spaces.length === 0) {
      this.dispatch({ type: 'pollAnswered', random: random() })
      return
    }
    const answered = (outcome: HeadsOutcome): void => {
      if (this.#poll.isStopped) return
      this.#ports.polled(outcome.type)
      if (outcome.type === 'answered') for (const space of spaces) this.#ports.learned(space, outcome.heads.get(space))
      this.dispatch({ type: outcome.type === 'answered' ? 'pollAnswered' : 'pollFailed', random: random() })
    }
    reader.heads(spaces).then(answered, (error: unknown) => answered({ type: 'failed', problem: String(error) }))
  }
}
