/** What this device keeps of rhizom, as a whole, for when it may be the cause of a fault. */
import { safeStorage } from '@rhizom/client'

/** With this every key begins that we keep. */
const OURS = 'rhizom.'
const RELOADED_KEY = 'rhizom.reloaded-at'
/** A fault so soon after a reload is the same one. */
const SOON_MS = 5 * 60_000

const tab = safeStorage(() => window.sessionStorage)

/** Notes that somebody loads the page anew because of a fault. */
export const noteReload = (): void => tab.set(RELOADED_KEY, String(Date.now()))

/** Whether that was a moment ago. */
export function hasJustReloaded(): boolean {
  const reloadedAtMs = Number(tab.get(RELOADED_KEY) ?? Number.NaN)
  return Math.abs(Date.now() - reloadedAtMs) < SOON_MS
}

export function forgetEverything(): void {
  forgetIn(() => window.localStorage)
  forgetIn(() => window.sessionStorage)
}

function forgetIn(open: () => Storage): void {
  try {
    const storage = open()
    for (const key of Object.keys(storage).filter((name) => name.startsWith(OURS))) storage.removeItem(key)
  } catch {
    // A storage that is refused keeps nothing.
  }
}
