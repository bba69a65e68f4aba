/**
 * Keeps the session's token fresh: renews it well before it expires, and at once when a token was turned down; by the
 * session's renewal once the token is not good any more. One renewal at a time, whoever asks.
 *
 * What is left of a token is measured when it is received (`expiresAt` is by the date of this device then) and waited
 * for on the clock that never goes back, so that setting the date neither hurries a renewal nor holds it up.
 */
import { backoffMs } from '@rhizom/machine'
import { checkValue, postSessionAnswerCheck } from '@rhizom/protocol'
import { BACKOFF, CONNECTION_TIMES, USED_UP_BACKOFF } from '../core/times.ts'
import type { Environment } from '../runtime/environment.ts'
import type { HttpResult } from '../runtime/http.ts'
import { loadSession, type Session } from '../runtime/storage.ts'
import { within } from '../runtime/within.ts'
import { callSafely } from './listeners.ts'

export type RenewalOutcome =
  | { status: 'renewed' }
  | { status: 'failed'; message: string; retryAfterMs: number }
  /** The session is not renewed: only signing in again helps. `token-expired` says that it is over already. */
  | { status: 'refused'; code: string; message: string }

export interface SessionKeeper {
  session(): Session
  renew(): Promise<RenewalOutcome>
  start(): void
  /**
   * The device woke up. Timers stood still meanwhile, and maybe a clock did: a token that is due by either is renewed.
   */
  wake(): void
  stop(): void
}

export interface SessionKeeperDeps {
  environment: Environment
  /** Its `expiresAt` is by the date of this device. */
  session: Session
  /** By the token, or by the renewal that it is given. May hang, reject or throw. */
  refresh(renewal?: string): Promise<HttpResult<Session>>
  onRenewal(renewal: RenewalOutcome, session: Session): void
}

/** What a function of the app gives, looked at like an answer of the api. */
export async function sessionFrom(renew: () => Promise<Session>): Promise<HttpResult<Session>> {
  const checked = checkValue(postSessionAnswerCheck, await renew())
  if (!checked.ok) throw new Error(`This is no session: ${checked.problem}`)
  return checked
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'No session was given.')

/** The share of the remaining life after which a token is renewed. */
const RENEW_AFTER = 0.8

interface Scheduled {
  /** Both clocks at that time. */
  nowMs: number
  dateMs: number
  delayMs: number
  cancel: () => void
}

export function createSessionKeeper(deps: SessionKeeperDeps): SessionKeeper {
  const { environment, refresh, onRenewal } = deps
  let { session } = deps
  let failures = 0
  /** Renewals in a row that brought a token with nothing left of it. */
  let usedUp = 0
  let underWay: Promise<RenewalOutcome> | undefined
  let isStarted = false
  let scheduled: Scheduled | undefined

  /** Another tab may have used ours, and kept the next. */
  function renewalNow(): string | undefined {
    const kept = loadSession(environment.storage)
    return (kept?.being.id === session.being.id && kept.renewal) || session.renewal
  }

  const ask = (renewal?: string) => within(environment, CONNECTION_TIMES.renewTimeoutMs, () => refresh(renewal))

  async function attempt(): Promise<RenewalOutcome> {
    let result = await ask()
    const renewal = renewalNow()
    if (!result.ok && result.problem.retry === 'never' && renewal !== undefined) result = await ask(renewal)
    if (result.ok) {
      session = { renewal: renewalNow(), ...result.value }
      return { status: 'renewed' }
    }
    const { code, message, retry, retryAfterMs } = result.problem
    return retry === 'later' ? { status: 'failed', message, retryAfterMs } : { status: 'refused', code, message }
  }

  async function renewOnce(): Promise<RenewalOutcome> {
    let renewal: RenewalOutcome
    try {
      renewal = await attempt()
    } catch (error) {
      environment.report('a session could not be renewed', error)
      renewal = { status: 'failed', message: messageOf(error), retryAfterMs: 0 }
    } finally {
      underWay = undefined
    }
    failures = renewal.status === 'failed' ? failures + 1 : 0
    if (isStarted) scheduleAfter(renewal)
    callSafely(environment, 'what is told of renewals', () => onRenewal(renewal, session))
    return renewal
  }

  function renew(): Promise<RenewalOutcome> {
    underWay ??= renewOnce()
    return underWay
  }

  function scheduleAfter(renewal: RenewalOutcome): void {
    switch (renewal.status) {
      case 'renewed':
        return schedule(untilRenewalMs())
      case 'failed':
        return schedule(backoffMs(BACKOFF, failures, environment.random(), renewal.retryAfterMs))
      case 'refused':
        // Nothing to wait for; the connection learns of it when the token runs out.
        scheduled?.cancel()
        scheduled = undefined
        return
      default:
        return renewal satisfies never
    }
  }

  const remainingMs = (): number => Math.max(0, session.expiresAt - environment.dateMs())

  /** How long a token that was just received is used. */
  function untilRenewalMs(): number {
    const useMs = remainingMs() * RENEW_AFTER
    usedUp = useMs < USED_UP_BACKOFF.minMs ? usedUp + 1 : 0
    return usedUp === 0 ? useMs : backoffMs(USED_UP_BACKOFF, usedUp, environment.random())
  }

  function schedule(delayMs: number): void {
    scheduled?.cancel()
    const cancel = environment.after(delayMs, () => void renew())
    scheduled = { nowMs: environment.nowMs(), dateMs: environment.dateMs(), delayMs, cancel }
  }

  return {
    session: () => session,
    renew,
    start() {
      isStarted = true
      schedule(Math.max(backoffMs(BACKOFF, 0, environment.random()), remainingMs() * RENEW_AFTER))
    },
    wake() {
      if (scheduled === undefined) return
      const { nowMs, dateMs, delayMs } = scheduled
      const passedMs = Math.max(environment.nowMs() - nowMs, environment.dateMs() - dateMs)
      if (passedMs >= delayMs) void renew()
    },
    stop() {
      isStarted = false
      scheduled?.cancel()
      scheduled = undefined
    },
  }
}
