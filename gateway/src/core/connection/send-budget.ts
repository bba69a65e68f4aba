/**
 * How much may lie unsent for one client. A slow reader is closed with a code that says "resume"; it never costs
 * others memory and never loses a change, because it comes back with its position.
 *
 *   flowing ── a large answer ──► allowing ── writable ─► flowing
 *      │                             │
 *      └── over the budget ──────────┴── over what was allowed, or no progress ──► spent (close)
 *
 * An answer may go over the budget once, since a snapshot can be larger than it; what follows waits until it is read.
 */

/** What a socket did with a message. `dropped`: it lost it, and will lose what follows. */
export type SendOutcome = 'sent' | 'queued' | 'dropped'

export type SendBudget =
  | { status: 'flowing' }
  /** Over the budget by an answer: up to `limitBytes`, as long as it drains. */
  | { status: 'allowing'; limitBytes: number; leastBytes: number; progressAtMs: number }
  | { status: 'spent' }

export interface SendBudgetSettings {
  maxUnsentBytes: number
  /** Above the budget for so long without draining: the reader is gone. */
  stallMs: number
}

export type SendEvent =
  /** About to send what all watchers get. */
  | { type: 'liveOffered'; unsentBytes: number }
  /** About to send an answer to this client alone. */
  | { type: 'answerOffered'; unsentBytes: number; answerBytes: number }
  | { type: 'sendEnded'; outcome: SendOutcome }
  | { type: 'writable'; unsentBytes: number }
  | { type: 'timePassed'; unsentBytes: number }

export type SendVerdict = 'send' | 'wait' | 'close' | 'nothing'

export interface SendStep {
  state: SendBudget
  verdict: SendVerdict
}

export const fresh: SendBudget = { status: 'flowing' }
const spent: SendStep = { state: { status: 'spent' }, verdict: 'close' }

export function stepSendBudget(
  state: SendBudget,
  event: SendEvent,
  nowMs: number,
  settings: SendBudgetSettings,
): SendStep {
  if (state.status === 'spent') return { state, verdict: 'nothing' }
  switch (event.type) {
    case 'liveOffered': {
      const limit = state.status === 'allowing' ? state.limitBytes : settings.maxUnsentBytes
      return event.unsentBytes > limit ? spent : { state, verdict: 'send' }
    }
    case 'answerOffered': {
      if (event.unsentBytes > settings.maxUnsentBytes) return { state, verdict: 'wait' }
      const limitBytes = settings.maxUnsentBytes + event.answerBytes
      return { state: { status: 'allowing', limitBytes, leastBytes: limitBytes, progressAtMs: nowMs }, verdict: 'send' }
    }
    case 'sendEnded':
      if (event.outcome === 'dropped') return spent
      return { state: event.outcome === 'sent' && state.status !== 'flowing' ? fresh : state, verdict: 'nothing' }
    case 'writable':
    case 'timePassed':
      return progress(state, event.unsentBytes, nowMs, settings)
    default:
      event satisfies never
      return { state, verdict: 'nothing' }
  }
}

function progress(
  state: Exclude<SendBudget, { status: 'spent' }>,
  unsentBytes: number,
  nowMs: number,
  settings: SendBudgetSettings,
): SendStep {
  if (state.status === 'flowing') return { state, verdict: 'nothing' }
  if (unsentBytes <= settings.maxUnsentBytes) return { state: fresh, verdict: 'nothing' }
  if (unsentBytes < state.leastBytes)
    return { state: { ...state, leastBytes: unsentBytes, progressAtMs: nowMs }, verdict: 'nothing' }
  return nowMs - state.progressAtMs >= settings.stallMs ? spent : { state, verdict: 'nothing' }
}

/** When to look again whether an allowed surplus drains. */
export const budgetWakesAtMs = (state: SendBudget, settings: SendBudgetSettings): number | undefined =>
  state.status === 'allowing' ? state.progressAtMs + settings.stallMs : undefined
