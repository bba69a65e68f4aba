/**
 * Keeps the session's token fresh: renews it well before it expires, and at once when someone asks because a token
 * was turned down. One renewal at a time, whoever asks.
 */
import { backoffMs } from '../core/backoff.ts'
import type { Environment } from '../runtime/environment.ts'
import type { HttpResult } from '../runtime/http.ts'
import type { Session } from '../runtime/storage.ts'

export type Renewal =
  | { status: 'renewed' }
  | { status: 'failed'; message: string; retryAfterMs: number }
  /** The session is over: only signing in again helps. */
  | { status: 'refused'; message: string }

export interface SessionKeeper {
  session(): Session
  renew(): Promise<Renewal>
  start(): void
  /** The device woke up: timers stood still meanwhile, so a token that is due is renewed now. */
  wake(): void
  stop(): void
}

/** The share of the remaining life after which a token is renewed. */
const RENEW_AFTER = 0.8

export function createSessionKeeper(
  environment: Environment,
  first: Session,
  refresh: () => Promise<HttpResult<Session>>,
  onRenewal: (renewal: Renewal, session: Session) => void,
): SessionKeeper {
  let session = first
  let failures = 0
  let underWay: Promise<Renewal> | null = null
  let cancelTimer: (() => void) | null = null
  let dueAtMs = Number.POSITIVE_INFINITY

  async function attempt(): Promise<Renewal> {
    const result = await refresh()
    if (result.ok) {
      session = result.value
      return { status: 'renewed' }
    }
    const { problem } = result
    return problem.retry === 'later'
      ? { status: 'failed', message: problem.message, retryAfterMs: problem.retryAfterMs }
      : { status: 'refused', message: problem.message }
  }

  async function renewOnce(): Promise<Renewal> {
    const renewal = await attempt()
    underWay = null
    failures = renewal.status === 'failed' ? failures + 1 : 0
    if (cancelTimer !== null) schedule(renewal)
    onRenewal(renewal, session)
    return renewal
  }

  function renew(): Promise<Renewal> {
    underWay ??= renewOnce()
    return underWay
  }

  function schedule(last: Renewal): void {
    cancelTimer?.()
    const remainingMs = Math.max(0, session.expiresAt - environment.nowMs())
    // Refused: nothing to wait for; the connection learns of it when the token runs out.
    dueAtMs = Number.POSITIVE_INFINITY
    if (last.status === 'refused') return
    const delayMs =
      last.status === 'renewed'
        ? Math.max(backoffMs(0, environment.random()), remainingMs * RENEW_AFTER)
        : backoffMs(failures, environment.random(), last.retryAfterMs)
    dueAtMs = environment.nowMs() + delayMs
    cancelTimer = environment.setTimer(delayMs, () => void renew())
  }

  return {
    session: () => session,
    renew,
    start: () => schedule({ status: 'renewed' }),
    wake() {
      if (cancelTimer !== null && environment.nowMs() >= dueAtMs) void renew()
    },
    stop() {
      cancelTimer?.()
      cancelTimer = null
    },
  }
}
