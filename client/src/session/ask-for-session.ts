/**
 * Asks an app for its session until there is one: a function of the app may throw, reject or never answer, and none of
 * it ends the asking. What went wrong is reported.
 */
import { backoffMs } from '@rhizom/machine'
import { BACKOFF } from '../core/times.ts'
import type { Environment } from '../runtime/environment.ts'
import type { Session } from '../runtime/storage.ts'

/** How long one answer is waited for. */
export const SESSION_PATIENCE_MS = 30_000

/** Calls `onSession` once. The result stops asking; an answer that comes after that is dropped. */
export function askForSession(
  environment: Environment,
  ask: () => Promise<Session>,
  onSession: (session: Session) => void,
): () => void {
  let isOver = false
  let failures = 0
  let cancelTimer = (): void => undefined

  function attempt(): void {
    let isAnswered = false
    const failed = (error: unknown): void => {
      if (isAnswered || isOver) return
      isAnswered = true
      environment.report('no session was given', error)
      cancelTimer()
      cancelTimer = environment.after(backoffMs(BACKOFF, failures++, environment.random()), attempt)
    }
    cancelTimer = environment.after(SESSION_PATIENCE_MS, () => failed(new Error('it took too long')))
    const given = (session: Session): void => {
      if (isAnswered || isOver) return
      isOver = true
      cancelTimer()
      onSession(session)
    }
    // Inside of a promise, so that what the function throws is a rejection like any other.
    Promise.resolve().then(ask).then(given, failed)
  }

  // A turn later: strict mode mounts everything twice, and two guests would be made.
  cancelTimer = environment.after(0, attempt)
  return () => {
    isOver = true
    cancelTimer()
  }
}
