/** Signing in as a guest, where nothing more is wanted than a name: the session is kept on the device. */
import { browserEnvironment, type Environment } from '../runtime/environment.ts'
import { createSession, renewSession } from '../runtime/http.ts'
import { pageOrigin } from '../runtime/page-origin.ts'
import { loadSession, saveSession, type Session } from '../runtime/storage.ts'

export interface GuestOptions {
  environment?: Environment
  /** Where the api is; the page's own origin by default. */
  apiUrl?: string
}

/**
 * The session that this device keeps, renewed if its token has run out, or else that of a new guest of this name.
 * Rejects with a message for a person if the server does not give one.
 */
export async function guestSession(name: string, options: GuestOptions = {}): Promise<Session> {
  const { environment = browserEnvironment(), apiUrl = pageOrigin() } = options
  const kept = loadSession(environment.storage)
  if (kept !== undefined && kept.expiresAt > environment.dateMs()) return kept
  if (kept?.renewal !== undefined) {
    const renewed = await renewSession({ environment, apiUrl }, kept.renewal)
    if (renewed.ok) {
      saveSession(environment.storage, renewed.value)
      return renewed.value
    }
    // Away for now: a client shows what it keeps, and renews the session when it can.
    if (renewed.problem.retry === 'later') return kept
  }
  const result = await createSession({ environment, apiUrl }, { name })
  if (!result.ok) throw new Error(result.problem.message)
  saveSession(environment.storage, result.value)
  return result.value
}

/** Keeps a renewed session where the former one was kept. */
export function saveIfKept({ storage }: Environment, renewed: Session): void {
  if (loadSession(storage)?.being.id === renewed.being.id) saveSession(storage, renewed)
}
