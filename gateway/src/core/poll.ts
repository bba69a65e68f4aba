/**
 * When to ask the api where the watched spaces stand, and who was removed: seldom while the bus is trusted, about once
 * a second while it is away, and soon after a channel was joined anew, because what was said before that came by no
 * message.
 *
 *   resting ── due ──► asking ── answered · failed ──► resting
 *                        │  ▲
 *      check wanted      ▼  │ answered: asks again at once
 *                   asking again
 */
import { type Machine, type Moment, type Step, stay, type TimePassed } from '@rhizom/machine'

export interface Poll {
  readonly bus: 'up' | 'down'
  readonly dueAtMs: number
  readonly asking: 'no' | 'asked' | 'asked-and-again'
}

export type PollEvent =
  | { type: 'busLost' }
  | { type: 'busRecovered' }
  | { type: 'checkWanted' }
  | { type: 'pollAnswered' }
  | { type: 'pollFailed' }

export interface PollEffect {
  type: 'ask'
}

export type PollStep = Step<Poll, PollEffect>

export interface PollSettings {
  /** While the bus is away, and after a failure. */
  quickMs: number
  /** While all is well. */
  slowMs: number
  /** A check waits this long, so that many channels joined together are asked for together. */
  gatherMs: number
}

/** `random` in [0, 1) places the first question, so that gateways that start together do not ask together. */
export const startPoll = (nowMs: number, random: number, settings: PollSettings): Poll => ({
  bus: 'up',
  dueAtMs: nowMs + spread(settings.slowMs, random),
  asking: 'no',
})

/** Between 0.75 and 1.25 of an interval. */
const spread = (ms: number, random: number): number => Math.round(ms * (0.75 + random / 2))

export function stepPoll(state: Poll, event: PollEvent | TimePassed, at: Moment, settings: PollSettings): PollStep {
  const { nowMs } = at
  switch (event.type) {
    case 'busLost':
      return state.bus === 'down' ? stay(state) : askIfDue({ ...state, bus: 'down', dueAtMs: nowMs }, nowMs)
    case 'busRecovered':
      return state.bus === 'up' ? stay(state) : askSoon({ ...state, bus: 'up' }, nowMs, settings)
    case 'checkWanted':
      return askSoon(state, nowMs, settings)
    case 'pollAnswered': {
      if (state.asking === 'asked-and-again') return askIfDue({ ...state, asking: 'no', dueAtMs: nowMs }, nowMs)
      const interval = state.bus === 'up' ? settings.slowMs : settings.quickMs
      return stay({ ...state, asking: 'no', dueAtMs: nowMs + spread(interval, at.random) })
    }
    case 'pollFailed':
      return stay({ ...state, asking: 'no', dueAtMs: nowMs + spread(settings.quickMs, at.random) })
    case 'timePassed':
      return askIfDue(state, nowMs)
    default:
      event satisfies never
      return stay(state)
  }
}

const askIfDue = (state: Poll, nowMs: number): PollStep =>
  state.asking === 'no' && state.dueAtMs <= nowMs
    ? { state: { ...state, asking: 'asked' }, effects: [{ type: 'ask' }] }
    : stay(state)

/** An answer under way may be older than what is wanted, so another follows it. */
function askSoon(state: Poll, nowMs: number, settings: PollSettings): PollStep {
  if (state.asking !== 'no') return stay({ ...state, asking: 'asked-and-again' })
  return stay({ ...state, dueAtMs: Math.min(state.dueAtMs, nowMs + settings.gatherMs) })
}

export const pollWakesAtMs = (state: Poll): number | undefined => (state.asking === 'no' ? state.dueAtMs : undefined)

export const pollMachine = (settings: PollSettings): Machine<Poll, PollEvent, PollEffect> => ({
  step: (state, event, at) => stepPoll(state, event, at, settings),
  wakesAtMs: pollWakesAtMs,
})
