/**
 * Runs one machine: keeps its state, steps it, has its effects carried out in order, wakes it when it asked to be
 * woken.
 *
 * What an effect brings about waits until the step is done, so that steps never interleave. What is thrown, by a step
 * or by an effect, is given to `faulted` and costs neither the events behind it nor the machine's timer: a runner that
 * has thrown once still runs.
 */
import { type Cancel, type Clock, momentOf, type Random } from './clock.ts'
import type { Machine, TimePassed } from './machine.ts'

export interface RunnerDeps<State, Event, Effect> {
  machine: Machine<State, Event, Effect>
  initial: State
  clock: Clock
  random: Random
  carryOut(effect: Effect): void
  /** A bug of ours. If `faulted` throws as well, `dispatch` throws it. */
  faulted(error: unknown): void
  /** After the effects of a step that changed the state. */
  changed(state: State, before: State): void
}

export class Runner<State, Event, Effect> {
  readonly #deps: RunnerDeps<State, Event, Effect>
  readonly #waiting: (Event | TimePassed)[] = []
  #state: State
  #isStepping = false
  #isStopped = false
  #timer: { atMs: number; cancel: Cancel } | undefined

  constructor(deps: RunnerDeps<State, Event, Effect>) {
    this.#deps = deps
    this.#state = deps.initial
    this.#sleep()
  }

  get state(): State {
    return this.#state
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  dispatch(event: Event | TimePassed): void {
    if (this.#isStopped) return
    this.#waiting.push(event)
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#step(next)
    } finally {
      this.#isStepping = false
      this.#sleep()
    }
  }

  /** From here on nothing is done any more, not even what is left of the step under way. The state stays as it is. */
  stop(): void {
    this.#isStopped = true
    this.#waiting.length = 0
    this.#disarm()
  }

  #step(event: Event | TimePassed): void {
    const { machine, clock, random, changed } = this.#deps
    const before = this.#state
    this.#guard(() => {
      const { state, effects } = machine.step(before, event, momentOf(clock, random))
      this.#state = state
      for (const effect of effects) {
        // Stopped by an effect or by the fault of one: what is left of it must not be done.
        if (this.#isStopped) return
        this.#guard(() => this.#deps.carryOut(effect))
      }
      if (state !== before && !this.#isStopped) changed(state, before)
    })
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#deps.faulted(error)
    }
  }

  /** Keeps the timer that stands if it fires soon enough: when it does it is looked at again. */
  #sleep(): void {
    if (this.#isStopped) return
    const atMs = this.#deps.machine.wakesAtMs(this.#state)
    if (atMs === undefined) this.#disarm()
    else if (this.#timer === undefined || this.#timer.atMs > atMs) this.#arm(atMs)
  }

  #arm(atMs: number): void {
    this.#disarm()
    const { clock, machine } = this.#deps
    const cancel = clock.after(Math.max(0, atMs - clock.nowMs()), () => {
      this.#timer = undefined
      const dueMs = machine.wakesAtMs(this.#state)
      // A deadline that moved away meanwhile is waited for, and a clock may fire a little early.
      if (dueMs !== undefined && dueMs > clock.nowMs()) this.#arm(dueMs)
      else this.dispatch({ type: 'timePassed' })
    })
    this.#timer = { atMs, cancel }
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
