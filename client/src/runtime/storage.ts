/**
 * Small things kept across reloads. A browser may refuse storage altogether (private windows, blocked cookies, a full
 * disk): then what is kept lives as long as the page, and nothing throws.
 */
import { checkJson, type PostSessionAnswer, postSessionAnswerCheck } from '@rhizom/protocol'

export interface KeyValueStorage {
  get(key: string): string | undefined
  set(key: string, value: string): void
  remove(key: string): void
}

export function memoryStorage(): KeyValueStorage {
  const items = new Map<string, string>()
  return {
    get: (key) => items.get(key),
    set: (key, value) => void items.set(key, value),
    remove: (key) => void items.delete(key),
  }
}

/** The browser's storage, with memory standing in for each call that it refuses. */
export function safeStorage(open: () => Storage): KeyValueStorage {
  const memory = memoryStorage()
  const attempt = <T>(action: (storage: Storage) => T, otherwise: () => T): T => {
    try {
      return action(open())
    } catch {
      return otherwise()
    }
  }
  return {
    get: (key) =>
      memory.get(key) ??
      attempt(
        (storage) => storage.getItem(key) ?? undefined,
        () => undefined,
      ),
    set(key, value) {
      memory.remove(key)
      attempt(
        (storage) => storage.setItem(key, value),
        () => memory.set(key, value),
      )
    },
    remove(key) {
      memory.remove(key)
      attempt(
        (storage) => storage.removeItem(key),
        () => undefined,
      )
    },
  }
}

/**
 * Who this client is: the token, when it expires, by the date of this device, what renews it then, and the being as it
 * was at sign-in.
 */
export type Session = PostSessionAnswer

/**
 * What a server says expires at a time by its own date, by the date of a device that mistakes it: what is left stays
 * the same. `serverMs` is the server's date when it said so, `deviceMs` this device's.
 */
export const byDeviceDate = <T extends { expiresAt: number }>(dated: T, serverMs: number, deviceMs: number): T => ({
  ...dated,
  expiresAt: dated.expiresAt + deviceMs - serverMs,
})

/** Under which the session is kept; a `storage` event names it when another tab signs in or out. */
export const SESSION_KEY = 'rhizom.session'

/** The kept session, or undefined if there is none that is understood. */
export function loadSession(storage: KeyValueStorage): Session | undefined {
  const text = storage.get(SESSION_KEY)
  if (text === undefined) return undefined
  const parsed = checkJson(postSessionAnswerCheck, text)
  return parsed.ok ? parsed.value : undefined
}

export const saveSession = (storage: KeyValueStorage, session: Session): void =>
  storage.set(SESSION_KEY, JSON.stringify(session))

export const forgetSession = (storage: KeyValueStorage): void => storage.remove(SESSION_KEY)
