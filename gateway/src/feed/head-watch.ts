/** Runs the heads poll (core/heads-poll.ts): asks the api where the watched spaces stand and tells the feeds. */
import type { Position, SpaceId } from '@rhizom/protocol'
import {
  type HeadsPoll,
  type HeadsPollEvent,
  type HeadsPollSettings,
  headsPollWakesAt,
  startHeadsPoll,
  stepHeadsPoll,
} from '../core/heads-poll.ts'
import type { Cancel, Clock, HeadsOutcome, LogReader, Random } from '../ports.ts'

export interface HeadWatchPorts {
  clock: Clock
  random: Random
  reader: LogReader
  settings: HeadsPollSettings
  watched(): readonly SpaceId[]
  /** `position` is missing where the api knows no such space. */
  learned(space: SpaceId, position: Position | undefined): void
  polled(outcome: HeadsOutcome['type']): void
}

export class HeadWatch {
  readonly #ports: HeadWatchPorts
  #state: HeadsPoll
  #timer: Cancel | undefined
  #stopped = false

  constructor(ports: HeadWatchPorts) {
    this.#ports = ports
    this.#state = startHeadsPoll(ports.clock.now(), ports.random(), ports.settings)
    this.#sleep()
  }

  dispatch(event: HeadsPollEvent): void {
    if (this.#stopped) return
    const { state, ask } = stepHeadsPoll(this.#state, event, this.#ports.clock.now(), this.#ports.settings)
    this.#state = state
    this.#sleep()
    if (ask) this.#ask()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.()
  }

  #sleep(): void {
    this.#timer?.()
    const wakesAt = headsPollWakesAt(this.#state)
    if (wakesAt === undefined) return
    const { clock } = this.#ports
    this.#timer = clock.after(Math.max(0, wakesAt - clock.now()), () => this.dispatch({ type: 'ticked' }))
  }

  #ask(): void {
    const { reader, random } = this.#ports
    const spaces = this.#ports.watched()
    if (spaces.length === 0) {
      this.dispatch({ type: 'pollAnswered', random: random() })
      return
    }
    const answered = (outcome: HeadsOutcome): void => {
      if (this.#stopped) return
      this.#ports.polled(outcome.type)
      if (outcome.type === 'answered') for (const space of spaces) this.#ports.learned(space, outcome.heads.get(space))
      this.dispatch({ type: outcome.type === 'answered' ? 'pollAnswered' : 'pollFailed', random: random() })
    }
    reader.heads(spaces).then(answered, (error: unknown) => answered({ type: 'failed', problem: String(error) }))
  }
}
