/**
 * The machine that moves a living connection to another one before it lets go of the first: to another gateway when
 * this one says goodbye, or to a better way of reaching one.
 *
 *   none ─► due ─► opening ─► greeting ─► moving ─► none      whatever fails before `moving` costs nothing: the first
 *            ▲        └─────────┴───────────┘                 connection goes on, and it is tried again later
 *            └────────────────────────────┘
 *
 * While moving every space is asked for over the next connection, and what the first one still brings is taken; a
 * position makes it harmless to hear a change twice. When all are answered, the first is closed.
 */
import { backoffMs, type Machine, type Moment, stay, type Step } from '@rhizom/machine'
import { BACKOFF, HANDOVER_TIMES } from './times.ts'
import { PROBE_BACKOFF, type TransportName } from './transport.ts'

/** Because the gateway stops, or because a better transport may be had by now. */
export type HandoverReason = 'goodbye' | 'better'

interface Planned {
  reason: HandoverReason
  transport: TransportName
  /** Failures of this move so far. */
  attempt: number
}

export type Handover =
  | { status: 'none' }
  | (Planned & { status: 'due'; atMs: number })
  | (Planned & { status: 'opening'; givesUpAtMs: number })
  | (Planned & { status: 'greeting'; givesUpAtMs: number })
  | (Planned & { status: 'moving'; givesUpAtMs: number; connectionId: string; heartbeatMs: number })

export type HandoverEvent =
  | { type: 'planned'; reason: HandoverReason; transport: TransportName; atMs: number; attempt: number }
  /** The first connection is gone, or nobody wants one any more. */
  | { type: 'formerLost' }
  | { type: 'cancelled' }
  | { type: 'socketOpened' }
  | { type: 'welcomed'; connectionId: string; heartbeatMs: number }
  /** `floorMs` is how long a gateway asked to be left alone, if it did. */
  | { type: 'socketClosed'; floorMs: number }
  /** Every space is answered over the next connection. */
  | { type: 'allAnswered' }

export type HandoverEffect =
  | { type: 'openNext'; transport: TransportName }
  | { type: 'sendHello' }
  | { type: 'closeNext' }
  /** The spaces are to be asked for over the next connection. */
  | { type: 'moveSpaces' }
  /** The next connection is the only one now. */
  | { type: 'complete'; connectionId: string; heartbeatMs: number; transport: TransportName }
  /** The spaces that were asked for over the next one have to be asked for over the first again. */
  | { type: 'moveBack' }

export const noHandover: Handover = { status: 'none' }

type HandoverStep = Step<Handover, HandoverEffect>

function step(state: Handover, event: Parameters<typeof handoverMachine.step>[1], at: Moment): HandoverStep {
  switch (event.type) {
    case 'planned': {
      const { reason, transport, atMs, attempt } = event
      // What is under way already leads somewhere else as well.
      return state.status === 'none' || state.status === 'due'
        ? stay({ status: 'due', reason, transport, atMs, attempt })
        : stay(state)
    }
    case 'cancelled':
      return { state: noHandover, effects: hasSocket(state) ? [{ type: 'closeNext' }] : [] }
    case 'formerLost':
      if (state.status === 'moving') return complete(state)
      return { state: noHandover, effects: hasSocket(state) ? [{ type: 'closeNext' }] : [] }
    case 'socketOpened':
      return state.status === 'opening'
        ? { state: { ...state, status: 'greeting' }, effects: [{ type: 'sendHello' }] }
        : stay(state)
    case 'welcomed': {
      if (state.status !== 'greeting') return stay(state)
      const { connectionId, heartbeatMs } = event
      const givesUpAtMs = at.nowMs + HANDOVER_TIMES.moveMs
      return {
        state: { ...planOf(state), status: 'moving', givesUpAtMs, connectionId, heartbeatMs },
        effects: [{ type: 'moveSpaces' }],
      }
    }
    case 'socketClosed':
      return hasSocket(state) ? later(state, event.floorMs, at) : stay(state)
    case 'allAnswered':
      return state.status === 'moving' ? complete(state) : stay(state)
    case 'timePassed':
      return timePassed(state, at)
    default:
      return event satisfies never
  }
}

const planOf = ({ reason, transport, attempt }: Planned): Planned => ({ reason, transport, attempt })

const hasSocket = (state: Handover): state is Exclude<Handover, { status: 'none' | 'due' }> =>
  state.status !== 'none' && state.status !== 'due'

function timePassed(state: Handover, at: Moment): HandoverStep {
  switch (state.status) {
    case 'none':
      return stay(state)
    case 'due': {
      if (at.nowMs < state.atMs) return stay(state)
      const plan = planOf(state)
      return {
        state: { ...plan, status: 'opening', givesUpAtMs: at.nowMs + HANDOVER_TIMES.openMs },
        effects: [{ type: 'openNext', transport: plan.transport }],
      }
    }
    case 'opening':
    case 'greeting': {
      if (at.nowMs < state.givesUpAtMs) return stay(state)
      const { state: next, effects } = later(state, 0, at)
      return { state: next, effects: [{ type: 'closeNext' }, ...effects] }
    }
    case 'moving':
      // It is live, and what is not answered by now asks again by itself.
      return at.nowMs < state.givesUpAtMs ? stay(state) : complete(state)
    default:
      return state satisfies never
  }
}

const complete = ({ connectionId, heartbeatMs, transport }: Extract<Handover, { status: 'moving' }>): HandoverStep => ({
  state: noHandover,
  effects: [{ type: 'complete', connectionId, heartbeatMs, transport }],
})

/** The next connection came to nothing: another one later, ever more rarely. */
function later(state: Exclude<Handover, { status: 'none' | 'due' }>, floorMs: number, at: Moment): HandoverStep {
  const { reason, transport, attempt } = planOf(state)
  const backoff = reason === 'goodbye' ? BACKOFF : PROBE_BACKOFF
  const atMs = at.nowMs + backoffMs(backoff, attempt, at.random, floorMs)
  return {
    state: { status: 'due', reason, transport, atMs, attempt: attempt + 1 },
    effects: state.status === 'moving' ? [{ type: 'moveBack' }] : [],
  }
}

function wakesAtMs(state: Handover): number | undefined {
  switch (state.status) {
    case 'none':
      return undefined
    case 'due':
      return state.atMs
    case 'opening':
    case 'greeting':
    case 'moving':
      return state.givesUpAtMs
    default:
      return state satisfies never
  }
}

export const handoverMachine: Machine<Handover, HandoverEvent, HandoverEffect> = { step, wakesAtMs }
