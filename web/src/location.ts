/**
 * Where in the page one is: the path in the address bar. It moves by the browser (back, forward), and by `goTo` without
 * the page being loaded anew. What a path means is `route.ts`.
 */
import { useSyncExternalStore } from 'react'

/** What a browser says when its history moved by itself; whoever moves it says the same. */
const MOVED = 'popstate'

function onMove(listener: () => void): () => void {
  window.addEventListener(MOVED, listener)
  return () => window.removeEventListener(MOVED, listener)
}

const pathname = (): string => window.location.pathname

export const usePathname = (): string => useSyncExternalStore(onMove, pathname)

/** With `replace` the way back does not lead to where one was. */
export function goTo(path: string, { replace = false } = {}): void {
  window.history[replace ? 'replaceState' : 'pushState'](null, '', path)
  window.dispatchEvent(new PopStateEvent(MOVED))
}

export type Click = Pick<MouseEvent, 'button' | 'defaultPrevented' | 'altKey' | 'ctrlKey' | 'metaKey' | 'shiftKey'>

/** Whether a click on a link leads on in this tab. All others are the browser's: a new tab, a window, a download. */
export const leadsOnHere = ({ button, defaultPrevented, altKey, ctrlKey, metaKey, shiftKey }: Click): boolean =>
  button === 0 && !defaultPrevented && !altKey && !ctrlKey && !metaKey && !shiftKey
