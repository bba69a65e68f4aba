/**
 * Everything the client wants of the outside world, as one port, so that a test can put a clock, a network and chance
 * of its own in its place. `browserEnvironment` is the one used by default; nothing else touches globals.
 */
import { type Clock, systemClock } from '@rhizom/machine'
import type { DevicePorts } from './device-ports.ts'
import { memoryStorage, type KeyValueStorage, safeStorage } from './storage.ts'
import { openWebSocket, type OpenSocket } from './websocket.ts'

/** What happened to the device. */
export type DeviceEvent = 'networkFound' | 'networkLost' | 'pageShown'

/** What became of the page: out of sight, left (it may come back as it was), or back from that. */
export type PageEvent = 'hidden' | 'left' | 'returned'

/** What outlives a page, and what it shares with the other pages of the browser. */
export interface SharedPorts {
  /** Called when it is first needed: its code may have to be fetched. */
  open(): Promise<DevicePorts>
  onPage(listener: (event: PageEvent) => void): () => void
}

/** Time is `nowMs` for what waits and `dateMs` for what is shown or compared with a token. */
export interface Environment extends Clock {
  /** In [0, 1). */
  random(): number
  openSocket: OpenSocket
  fetch(url: string, init: RequestInit): Promise<Response>
  storage: KeyValueStorage
  /**
   * A place for a stream that stays open, given back by the result; undefined where there is none. A browser keeps few
   * connections to one host over HTTP/1.1, and a stream must not take the last one from requests, of whichever tab.
   */
  takeStreamPlace(): Promise<(() => void) | undefined>
  /** undefined where everything lives in memory, and each page stands for itself. */
  shared?: SharedPorts | undefined
  isOnline(): boolean
  /** Listens to the device; the result stops. */
  onDevice(listener: (event: DeviceEvent) => void): () => void
  /** Something that no screen shows and that should not happen, in one line, with what was thrown if something was. */
  report(problem: string, cause?: unknown): void
}

function onBrowserDevice(listener: (event: DeviceEvent) => void): () => void {
  if (typeof window === 'undefined') return () => undefined
  const found = () => listener('networkFound')
  const lost = () => listener('networkLost')
  const shown = () => {
    if (document.visibilityState === 'visible') listener('pageShown')
  }
  window.addEventListener('online', found)
  window.addEventListener('offline', lost)
  // `pageshow` covers a page taken from the back-forward cache, whose sockets are gone.
  window.addEventListener('pageshow', shown)
  document.addEventListener('visibilitychange', shown)
  return () => {
    window.removeEventListener('online', found)
    window.removeEventListener('offline', lost)
    window.removeEventListener('pageshow', shown)
    document.removeEventListener('visibilitychange', shown)
  }
}

function onBrowserPage(listener: (event: PageEvent) => void): () => void {
  const hidden = () => {
    if (document.visibilityState === 'hidden') listener('hidden')
  }
  const left = () => listener('left')
  const returned = ({ persisted }: PageTransitionEvent) => {
    if (persisted) listener('returned')
  }
  document.addEventListener('visibilitychange', hidden)
  window.addEventListener('pagehide', left)
  window.addEventListener('pageshow', returned)
  return () => {
    document.removeEventListener('visibilitychange', hidden)
    window.removeEventListener('pagehide', left)
    window.removeEventListener('pageshow', returned)
  }
}

const browserShared: SharedPorts = {
  open: async () => (await import('./browser-device.ts')).browserDevice,
  onPage: onBrowserPage,
}

function reportProblem(error: Error): void {
  if (typeof reportError === 'function') reportError(error)
  else process.emitWarning(error)
}

/** The environment of a browser, or of Node 22 for tools and tests (storage is then kept in memory). */
export function browserEnvironment(): Environment {
  return {
    ...systemClock,
    random: () => Math.random(),
    openSocket: openWebSocket,
    fetch: (url, init) => fetch(url, init),
    storage: typeof window === 'undefined' ? memoryStorage() : safeStorage(() => window.localStorage),
    takeStreamPlace: async () => (await import('./stream-place.ts')).takeStreamPlace(),
    shared: typeof window === 'undefined' ? undefined : browserShared,
    isOnline: () => typeof navigator === 'undefined' || !('onLine' in navigator) || navigator.onLine,
    onDevice: onBrowserDevice,
    // Reaches the console and whatever gathers the errors of the page.
    report: (problem, cause) => reportProblem(new Error(`rhizom: ${problem}`, { cause })),
  }
}
