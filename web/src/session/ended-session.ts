/** Who one was until the session ended, and why it did: kept for the other tabs, and until somebody signs in. */
import type { KeyValueStorage } from '@rhizom/client'

export interface EndedSession {
  name: string
  reason: string
}

const KEY = 'rhizom.session-ended'

export const saveEnded = (storage: KeyValueStorage, { name, reason }: EndedSession): void =>
  storage.set(KEY, JSON.stringify([name, reason]))

export const forgetEnded = (storage: KeyValueStorage): void => storage.remove(KEY)

export function loadEnded(storage: KeyValueStorage): EndedSession | undefined {
  const text = storage.get(KEY)
  if (text === undefined) return undefined
  try {
    const kept: unknown = JSON.parse(text)
    if (!Array.isArray(kept)) return undefined
    const [name, reason]: unknown[] = kept
    return typeof name === 'string' && typeof reason === 'string' ? { name, reason } : undefined
  } catch {
    // What is no note of ours says nothing.
    return undefined
  }
}
