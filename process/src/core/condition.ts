/**
 * A condition is something a process depends on: Postgres, Redis, the api. It is said when it turns bad, once an
 * interval while it stays so, and when it has been good again for a moment, with how long it lasted.
 *
 *   good ── failed ──► bad ── every part worked again ──► recovering ── for a moment ──► good
 *                       ▲                                     │
 *                       └────────────── failed ───────────────┘
 *
 * It has parts that fail and recover by themselves: the connections to one Redis, the commands on one of them. What
 * fails for another reason than those said before is said at once, each reason once while the condition is bad, because
 * the first may have been a consequence. So whatever flaps says a bounded number of lines.
 */
import { type Machine, type Moment, type Step, stay, type TimePassed } from '@rhizom/machine'

/** What is wrong. `reason` is one of few texts; what changes each time is in `problem`. */
export interface Trouble {
  readonly reason: string
  readonly problem: string
}

interface Bad {
  readonly sinceMs: number
  /** When it is said again. */
  readonly sayAtMs: number
  /** Failures so far. */
  readonly times: number
  readonly latest: Trouble
  /** Reasons that were said since it is bad. */
  readonly said: ReadonlySet<string>
}

export type Condition =
  | { readonly status: 'good' }
  | (Bad & { readonly status: 'bad'; readonly failing: ReadonlySet<string> })
  | (Bad & { readonly status: 'recovering'; readonly workedAtMs: number; readonly goodAtMs: number })

export type ConditionEvent =
  | { type: 'failed'; part: string; trouble: Trouble }
  | { type: 'worked'; part: string }
  /** Nothing is known any more of the parts whose names begin so. */
  | { type: 'forgotten'; prefix: string }

export type ConditionEffect =
  | { type: 'sayBad'; trouble: Trouble; forMs: number; times: number }
  | { type: 'sayGood'; trouble: Trouble; forMs: number; times: number }

export interface ConditionSettings {
  /** While it is bad it is said as often. */
  everyMs: number
  /** It has to have worked for so long to be good again. */
  settleMs: number
}

type ConditionStep = Step<Condition, ConditionEffect>

/** Reasons are few; whoever makes them of what a peer says must not make this grow. */
const MAX_REASONS = 10

export function stepCondition(
  state: Condition,
  event: ConditionEvent | TimePassed,
  { nowMs }: Pick<Moment, 'nowMs'>,
  settings: ConditionSettings,
): ConditionStep {
  switch (event.type) {
    case 'failed':
      return failed(state, event.part, event.trouble, nowMs, settings)
    case 'worked':
      return without(state, (part) => part === event.part, nowMs, settings)
    case 'forgotten':
      return without(state, (part) => part.startsWith(event.prefix), nowMs, settings)
    case 'timePassed':
      return timePassed(state, nowMs, settings)
    default:
      event satisfies never
      return stay(state)
  }
}

function failed(
  state: Condition,
  part: string,
  trouble: Trouble,
  nowMs: number,
  { everyMs }: ConditionSettings,
): ConditionStep {
  if (state.status === 'good') {
    const said = new Set([trouble.reason])
    const bad = { sinceMs: nowMs, sayAtMs: nowMs + everyMs, times: 1, latest: trouble, said }
    return {
      state: { status: 'bad', ...bad, failing: new Set([part]) },
      effects: [{ type: 'sayBad', trouble, forMs: 0, times: 1 }],
    }
  }
  const { sinceMs, sayAtMs } = state
  const times = state.times + 1
  const isNews = !state.said.has(trouble.reason) && state.said.size < MAX_REASONS
  const said = isNews ? new Set([...state.said, trouble.reason]) : state.said
  const failing = new Set(state.status === 'bad' ? state.failing : []).add(part)
  return {
    state: {
      status: 'bad',
      sinceMs,
      sayAtMs: isNews ? nowMs + everyMs : sayAtMs,
      times,
      latest: trouble,
      said,
      failing,
    },
    effects: isNews ? [{ type: 'sayBad', trouble, forMs: nowMs - sinceMs, times }] : [],
  }
}

function without(
  state: Condition,
  worked: (part: string) => boolean,
  nowMs: number,
  { settleMs }: ConditionSettings,
): ConditionStep {
  if (state.status !== 'bad') return stay(state)
  const failing = new Set([...state.failing].filter((part) => !worked(part)))
  if (failing.size === state.failing.size) return stay(state)
  if (failing.size > 0) return stay({ ...state, failing })
  const { sinceMs, sayAtMs, times, latest, said } = state
  const bad = { sinceMs, sayAtMs, times, latest, said }
  return stay({ status: 'recovering', ...bad, workedAtMs: nowMs, goodAtMs: nowMs + settleMs })
}

function timePassed(state: Condition, nowMs: number, { everyMs }: ConditionSettings): ConditionStep {
  switch (state.status) {
    case 'good':
      return stay(state)
    case 'bad': {
      if (state.sayAtMs > nowMs) return stay(state)
      const { latest: trouble, times, sinceMs } = state
      return {
        state: { ...state, sayAtMs: nowMs + everyMs },
        effects: [{ type: 'sayBad', trouble, forMs: nowMs - sinceMs, times }],
      }
    }
    case 'recovering': {
      if (state.goodAtMs > nowMs) return stay(state)
      const { latest: trouble, times, sinceMs, workedAtMs } = state
      return {
        state: { status: 'good' },
        effects: [{ type: 'sayGood', trouble, forMs: workedAtMs - sinceMs, times }],
      }
    }
    default:
      return state satisfies never
  }
}

export function conditionWakesAtMs(state: Condition): number | undefined {
  switch (state.status) {
    case 'good':
      return undefined
    case 'bad':
      return state.sayAtMs
    case 'recovering':
      return state.goodAtMs
    default:
      return state satisfies never
  }
}

export const conditionMachine = (settings: ConditionSettings): Machine<Condition, ConditionEvent, ConditionEffect> => ({
  step: (state, event, at) => stepCondition(state, event, at, settings),
  wakesAtMs: conditionWakesAtMs,
})
