/**
 * When to ask the api where the watched spaces stand, and who was removed: seldom while the bus is trusted, about once a
 * second while it is away, and soon after a channel was joined anew, because what was said before that came by no
 * message.
 */
export interface Poll {
  readonly bus: 'up' | 'down'
  readonly dueAt: number
  readonly asking: 'no' | 'asked' | 'asked-and-again'
}

export type PollEvent =
  | { type: 'busLost' }
  | { type: 'busRecovered' }
  | { type: 'checkWanted' }
  /** `random` in [0, 1) spreads the gateways. */
  | { type: 'pollAnswered'; random: number }
  | { type: 'pollFailed'; random: number }
  | { type: 'ticked' }

export interface PollSettings {
  /** While the bus is away, and after a failure. */
  quickMs: number
  /** While all is well. */
  slowMs: number
  /** A check waits this long, so that many channels joined together are asked for together. */
  gatherMs: number
}

export interface PollStep {
  state: Poll
  ask: boolean
}

export const startPoll = (now: number, random: number, settings: PollSettings): Poll => ({
  bus: 'up',
  dueAt: now + spread(settings.slowMs, random),
  asking: 'no',
})

/** Between 0.75 and 1.25 of an interval. */
const spread = (ms: number, random: number): number => Math.round(ms * (0.75 + random / 2))

export function stepPoll(state: Poll, event: PollEvent, now: number, settings: PollSettings): PollStep {
  switch (event.type) {
    case 'busLost':
      return state.bus === 'down' ? quiet(state) : askIfDue({ ...state, bus: 'down', dueAt: now }, now)
    case 'busRecovered':
      return state.bus === 'up' ? quiet(state) : askSoon({ ...state, bus: 'up' }, now, settings)
    case 'checkWanted':
      return askSoon(state, now, settings)
    case 'pollAnswered': {
      if (state.asking === 'asked-and-again') return askIfDue({ ...state, asking: 'no', dueAt: now }, now)
      const interval = state.bus === 'up' ? settings.slowMs : settings.quickMs
      return quiet({ ...state, asking: 'no', dueAt: now + spread(interval, event.random) })
    }
    case 'pollFailed':
      return quiet({ ...state, asking: 'no', dueAt: now + spread(settings.quickMs, event.random) })
    case 'ticked':
      return askIfDue(state, now)
    default:
      event satisfies never
      return quiet(state)
  }
}

const quiet = (state: Poll): PollStep => ({ state, ask: false })

const askIfDue = (state: Poll, now: number): PollStep =>
  state.asking === 'no' && state.dueAt <= now ? { state: { ...state, asking: 'asked' }, ask: true } : quiet(state)

/** An answer under way may be older than what is wanted, so another follows it. */
function askSoon(state: Poll, now: number, settings: PollSettings): PollStep {
  if (state.asking !== 'no') return quiet({ ...state, asking: 'asked-and-again' })
  return quiet({ ...state, dueAt: Math.min(state.dueAt, now + settings.gatherMs) })
}

export const pollWakesAtMs = (state: Poll): number | undefined => (state.asking === 'no' ? state.dueAt : undefined)
