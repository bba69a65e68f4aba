/**
 * How the subscription of a space changes: asking, asking again later, giving up. What an answer holds is not looked at
 * here; `space.ts` is.
 */
import { backoffMs, type Moment, stay, type Step } from '@rhizom/machine'
import { withTold } from './own-presence.ts'
import { markStale } from './presence-state.ts'
import type { SpaceEffect, SpaceState, Subscription } from './space-state.ts'
import { BACKOFF, SUBSCRIPTION_TIMES } from './times.ts'
import { nobodyTypes } from './typing-state.ts'

export type SpaceStep = Step<SpaceState, SpaceEffect>

/** After this many failures in a row the position is given up and a snapshot asked for. */
export const SNAPSHOT_AFTER_FAILURES = 3

/** Errors after which asking again unchanged cannot help. */
const FINAL_CODES: ReadonlySet<string> = new Set(['not-found', 'too-many', 'too-large', 'malformed'])

/** Errors that, once a space is current, are about a state or a signal it sent and not about the subscription. */
const ASIDE_CODES: ReadonlySet<string> = new Set(['too-large', 'malformed', 'rate-limited'])

/**
 * An answer is the gateway's last word on whether it sends the space, also after a close: what was asked before the
 * close was heard of is answered after it, and from then on the subscription stands there.
 */
export const isAnswerable = ({ subscription }: SpaceState): boolean => subscription.status !== 'paused'

/** Other frames count only while a subscription stands: not without a connection, not after a close. */
export const isListening = ({ subscription }: SpaceState): boolean =>
  subscription.status !== 'paused' && subscription.status !== 'closed'

export function subscriptionWakesAtMs(subscription: Subscription): number | undefined {
  switch (subscription.status) {
    case 'asking':
      return subscription.givesUpAtMs
    case 'retrying':
      return subscription.retryAtMs
    case 'current':
      return subscription.answerByMs
    case 'paused':
    case 'closed':
      return undefined
    default:
      return subscription satisfies never
  }
}

export function ask(state: SpaceState, attempt: number, at: Moment): SpaceStep {
  const givesUpAtMs = at.nowMs + SUBSCRIPTION_TIMES.answerTimeoutMs
  const position = attempt < SNAPSHOT_AFTER_FAILURES ? state.content?.position : undefined
  const present = state.own.here !== undefined
  return {
    state: { ...state, subscription: { status: 'asking', attempt, givesUpAtMs }, own: withTold(state.own, present) },
    effects: [{ type: 'subscribe', position, present }],
  }
}

export function retryLater(state: SpaceState, attempt: number, reason: string, at: Moment, floorMs = 0): SpaceStep {
  const retryAtMs = at.nowMs + backoffMs(BACKOFF, attempt, at.random, floorMs)
  return stay({ ...state, subscription: { status: 'retrying', attempt: attempt + 1, retryAtMs, reason } })
}

/** Something was missed. The first time it is asked for at once; again soon after, only with a backoff. */
export function catchUp(state: SpaceState, subscription: Subscription & { status: 'current' }, at: Moment): SpaceStep {
  const lasted = at.nowMs - subscription.sinceMs >= SUBSCRIPTION_TIMES.lastingAfterMs
  if (lasted || subscription.attempt === 0) return ask(state, 1, at)
  return retryLater(state, subscription.attempt, 'Something was missed; asking for it again.', at)
}

export const becameCurrent = (subscription: Subscription, at: Moment): Subscription =>
  subscription.status === 'current'
    ? settled(subscription)
    : {
        status: 'current',
        attempt: 'attempt' in subscription ? subscription.attempt : 0,
        sinceMs: at.nowMs,
        answerByMs: undefined,
      }

const settled = (subscription: Subscription & { status: 'current' }): Subscription =>
  subscription.answerByMs === undefined ? subscription : { ...subscription, answerByMs: undefined }

/** Asks over another connection. What is current stays so: the former connection goes on until the answer is there. */
export function move(state: SpaceState, at: Moment): SpaceStep {
  const { subscription } = state
  if (subscription.status === 'closed') return stay(state)
  if (subscription.status !== 'current') return ask(state, 0, at)
  const answerByMs = at.nowMs + SUBSCRIPTION_TIMES.answerTimeoutMs
  const { state: asking, effects } = ask(state, 0, at)
  return { state: { ...asking, subscription: { ...subscription, answerByMs } }, effects }
}

/** Whether an answer to `subscribe` is awaited. */
export const isUnanswered = ({ subscription }: SpaceState): boolean =>
  subscription.status === 'asking' || (subscription.status === 'current' && subscription.answerByMs !== undefined)

/** Nothing is received any more: who was here is kept and marked, who was typing is not. */
export const markDisconnected = (state: SpaceState, at: Moment): SpaceState => ({
  ...state,
  presence: markStale(state.presence, at.dateMs),
  typing: nobodyTypes,
})

export function refuse(
  state: SpaceState,
  refusal: { code: string; message: string; retryAfterMs: number | undefined },
  at: Moment,
): SpaceStep {
  const { code, message, retryAfterMs } = refusal
  if (state.subscription.status === 'current' && ASIDE_CODES.has(code)) return stay(state)
  // A state or a signal came before the answer to the subscription that allows it: the answer still comes.
  if (state.subscription.status === 'asking' && code === 'not-subscribed') return stay(state)
  if (FINAL_CODES.has(code) && retryAfterMs === undefined) return stay(close(state, code, message))
  const attempt = 'attempt' in state.subscription ? state.subscription.attempt : 0
  return retryLater(markDisconnected(state, at), attempt, message, at, retryAfterMs ?? 0)
}

/** What may no longer be read is no longer shown either. */
export const close = (state: SpaceState, code: string, message: string): SpaceState => ({
  ...state,
  subscription: { status: 'closed', code, message },
  content: undefined,
  older: { status: 'idle' },
  presence: undefined,
  typing: nobodyTypes,
})
