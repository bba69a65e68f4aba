/** Runs the machine of core/heads-poll.ts: asks when it is time. Whoever asks says what came of it by `dispatch`. */
import {
  type HeadsPoll,
  type HeadsPollEvent,
  type HeadsPollSettings,
  headsPollWakesAt,
  startHeadsPoll,
  stepHeadsPoll,
} from './core/heads-poll.ts'
import type { Cancel, Clock } from './ports.ts'

export interface PollPorts {
  clock: Clock
  settings: HeadsPollSettings
  /** In [0, 1): places the first question, so that gateways that start together do not ask together. */
  spread: number
  ask(): void
}

export class Poll {
  readonly #ports: PollPorts
  #state: HeadsPoll
  #timer: Cancel | undefined
  #isStopped = false

  constructor(ports: PollPorts) {
    this.#ports = ports
    this.#state = startHeadsPoll(ports.clock.now(), ports.spread, ports.settings)
    this.#sleep()
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  dispatch(event: HeadsPollEvent): void {
    if (this.#isStopped) return
    const { state, ask } = stepHeadsPoll(this.#state, event, this.#ports.clock.now(), this.#ports.settings)
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
    const wakesAt = headsPollWakesAt(this.#state)
    if (wakesAt === undefined) return
    const { clock } = this.#ports
    this.#timer = clock.after(Math.max(0, wakesAt - clock.now()), () => this.dispatch({ type: 'ticked' }))
  }
}
