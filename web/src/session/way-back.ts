/**
 * Whether whoever is signed in at this browser can be the same being again: an issuer vouches for people each time, and
 * nobody does for a guest. Kept beside the session, for reloads and the other tabs.
 */
import type { KeyValueStorage, WayIn } from '@rhizom/client'

const KEY = 'rhizom.way-back'

export function noteWayIn(storage: KeyValueStorage, way: WayIn): void {
  if ('name' in way) storage.remove(KEY)
  else storage.set(KEY, 'issuer')
}

export const forgetWayIn = (storage: KeyValueStorage): void => storage.remove(KEY)
export const hasWayBack = (storage: KeyValueStorage): boolean => storage.get(KEY) !== undefined
