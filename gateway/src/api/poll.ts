/** Runs the machine of core/poll.ts: asks when it is time. Whoever asks says what came of it by `dispatch`. */
import { type Poll, type PollEvent, type PollSettings, pollWakesAtMs, startPoll, stepPoll } from '../core/poll.ts'
import type { Cancel, Clock } from '@rhizom/machine'

export interface PollRunnerPorts {
  clock: Clock
  settings: PollSettings
  /** In [0, 1): places the first question, so that gateways that start together do not ask together. */
  spread: number
  ask(): void
}

export class PollRunner {
  readonly #ports: PollRunnerPorts
  #state: Poll
  #timer: Cancel | undefined
  #isStopped = false

  constructor(ports: PollRunnerPorts) {
    this.#ports = ports
    this.#state = startPoll(ports.clock.nowMs(), ports.spread, ports.settings)
    this.#sleep()
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  dispatch(event: PollEvent): void {
    if (this.#isStopped) return
    const { state, ask } = stepPoll(this.#state, event, this.#ports.clock.nowMs(), this.#ports.settings)
    this.#state = state
    this.#sleep()
    if (ask) this.#ports.ask()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.()
  }

  #sleep(): void {
    this.#timer?.()
    const wakesAt = pollWakesAtMs(this.#state)
    if (wakesAt === undefined) return
    const { clock } = this.#ports
    this.#timer = clock.after(Math.max(0, wakesAt - clock.nowMs()), () => this.dispatch({ type: 'ticked' }))
  }
}
