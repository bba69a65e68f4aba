/**
 * A state machine is a value and a pure function. The state holds just what is true; `step` says what becomes of it and
 * what has to be done; `wakesAtMs` says when to step it with `timePassed` if nothing happens before.
 */
import type { Moment } from './clock.ts'

/** The event that every machine knows. */
export interface TimePassed {
  type: 'timePassed'
}

export interface Step<State, Effect> {
  readonly state: State
  readonly effects: readonly Effect[]
}

export interface Machine<State, Event, Effect> {
  step(state: State, event: Event | TimePassed, at: Moment): Step<State, Effect>
  /** On the clock of `Moment.nowMs`; undefined for never. */
  wakesAtMs(state: State): number | undefined
}

/** The first of these times: when a machine is woken that waits for each of them. */
export function soonest(times: Iterable<number | undefined>): number | undefined {
  const set = [...times].filter((time) => time !== undefined)
  return set.length === 0 ? undefined : Math.min(...set)
}

/** A step that changes nothing, or nothing but the state. */
export const stay = <State>(state: State): Step<State, never> => ({ state, effects: [] })
