/**
 * Runs a machine as a `Runner` does (machine/src/runner.ts), for those of whom there are thousands: its deps are one
 * object for all, it is extended instead of being given functions, and one wheel wakes all.
 *
 * What an effect brings about waits until the step is done, so that steps never interleave. What is thrown, by a step
 * or by an effect, is given to `faulted`.
 */
import { type Clock, type Machine, momentOf, type Random, type TimePassed } from '@rhizom/machine'
import { AWAKE, type Sleeper, type TimerWheel } from './timer-wheel.ts'

export interface StepperDeps<State, Event, Effect> {
  machine: Machine<State, Event, Effect>
  clock: Clock
  random: Random
  wheel: TimerWheel
}

export abstract class Stepper<State, Event, Effect> implements Sleeper {
  tick = AWAKE
  readonly #deps: StepperDeps<State, Event, Effect>
  #state: State
  #status: 'idle' | 'stepping' | 'stopped' = 'idle'
  /** What came during a step. */
  #later: (Event | TimePassed)[] | undefined

  constructor(deps: StepperDeps<State, Event, Effect>, initial: State) {
    this.#deps = deps
    this.#state = initial
  }

  protected abstract carryOut(effect: Effect): void
  /** A bug of ours. */
  protected abstract faulted(error: unknown): void
  /** After the effects of a step that changed the state. */
  protected abstract changed(state: State, before: State): void

  protected get state(): State {
    return this.#state
  }

  protected get isStopped(): boolean {
    return this.#status === 'stopped'
  }

  get wakesAtMs(): number | undefined {
    return this.isStopped ? undefined : this.#deps.machine.wakesAtMs(this.#state)
  }

  wake(): void {
    this.dispatch({ type: 'timePassed' })
  }

  protected dispatch(event: Event | TimePassed): void {
    if (this.#status === 'stopped') return
    if (this.#status === 'stepping') {
      this.#later ??= []
      this.#later.push(event)
      return
    }
    this.#status = 'stepping'
    try {
      for (let next: Event | TimePassed | undefined = event; next !== undefined; next = this.#later?.shift())
        this.#step(next)
    } finally {
      if (this.#later?.length === 0) this.#later = undefined
      if (!this.isStopped) this.#status = 'idle'
      this.#deps.wheel.schedule(this)
    }
  }

  /** From here on nothing is done any more, not even what is left of the step under way. The state stays as it is. */
  protected stop(): void {
    this.#status = 'stopped'
    this.#later = undefined
    this.#deps.wheel.forget(this)
  }

  #step(event: Event | TimePassed): void {
    const { machine, clock, random } = this.#deps
    const before = this.#state
    try {
      const { state, effects } = machine.step(before, event, momentOf(clock, random))
      this.#state = state
      for (const effect of effects) {
        // Stopped by an effect or by the fault of one: what is left of it must not be done.
        if (this.isStopped) return
        this.#carryOut(effect)
      }
      if (state !== before && !this.isStopped) this.changed(state, before)
    } catch (error) {
      this.faulted(error)
    }
  }

  #carryOut(effect: Effect): void {
    try {
      this.carryOut(effect)
    } catch (error) {
      this.faulted(error)
    }
  }
}
