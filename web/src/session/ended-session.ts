/** Who one was until the session ended, and why it did: kept for the other tabs, and until somebody signs in. */
import type { KeyValueStorage } from '@rhizom/client'
import { isJsonObject, parseText } from '@rhizom/protocol'

export interface EndedSession {
  name: string
  reason: string
}

const KEY = 'rhizom.session-ended'

export const saveEnded = (storage: KeyValueStorage, { name, reason }: EndedSession): void =>
  storage.set(KEY, JSON.stringify({ name, reason }))

export const forgetEnded = (storage: KeyValueStorage): void => storage.remove(KEY)

export function loadEnded(storage: KeyValueStorage): EndedSession | undefined {
  const parsed = parseText(storage.get(KEY) ?? '')
  if (!parsed.ok || !isJsonObject(parsed.value)) return undefined
  const { name, reason } = parsed.value
  return typeof name === 'string' && typeof reason === 'string' ? { name, reason } : undefined
}
