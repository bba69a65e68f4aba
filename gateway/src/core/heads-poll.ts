/**
 * When to ask the api where the watched spaces stand, and who was removed: seldom while the bus is trusted, about once a
 * second while it is away, and soon after a channel was joined anew, because what was said before that came by no
 * message.
 */
export interface HeadsPoll {
  readonly bus: 'up' | 'down'
  readonly dueAt: number
  readonly asking: 'no' | 'asked' | 'asked-and-again'
}

export type HeadsPollEvent =
  | { type: 'busLost' }
  | { type: 'busRecovered' }
  | { type: 'checkWanted' }
  /** `random` in [0, 1) spreads the gateways. */
  | { type: 'pollAnswered'; random: number }
  | { type: 'pollFailed'; random: number }
  | { type: 'ticked' }

export interface HeadsPollSettings {
  /** While the bus is away, and after a failure. */
  quickMs: number
  /** While all is well. */
  slowMs: number
  /** A check waits this long, so that many channels joined together are asked for together. */
  gatherMs: number
}

export interface HeadsPollStep {
  state: HeadsPoll
  ask: boolean
}

export const startHeadsPoll = (now: number, random: number, settings: HeadsPollSettings): HeadsPoll => ({
  bus: 'up',
  dueAt: now + spread(settings.slowMs, random),
  asking: 'no',
})

/** Between 0.75 and 1.25 of an interval. */
const spread = (ms: number, random: number): number => Math.round(ms * (0.75 + random / 2))

export function stepHeadsPoll(
  state: HeadsPoll,
  event: HeadsPollEvent,
  now: number,
  settings: HeadsPollSettings,
): HeadsPollStep {
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

const quiet = (state: HeadsPoll): HeadsPollStep => ({ state, ask: false })

const askIfDue = (state: HeadsPoll, now: number): HeadsPollStep =>
  state.asking === 'no' && state.dueAt <= now ? { state: { ...state, asking: 'asked' }, ask: true } : quiet(state)

/** An answer under way may be older than what is wanted, so another follows it. */
function askSoon(state: HeadsPoll, now: number, settings: HeadsPollSettings): HeadsPollStep {
  if (state.asking !== 'no') return quiet({ ...state, asking: 'asked-and-again' })
  return quiet({ ...state, dueAt: Math.min(state.dueAt, now + settings.gatherMs) })
}

export const headsPollWakesAt = (state: HeadsPoll): number | undefined =>
  state.asking === 'no' ? state.dueAt : undefined
