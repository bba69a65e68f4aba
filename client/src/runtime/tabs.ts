/**
 * The other pages of the same browser, as a port: a channel to all of them, and the lock that one of them holds. A page
 * that ends, however it ends, loses the lock, and the browser gives it to the next.
 */
export interface Tabs {
  /** Asks for the lock; `onGranted` is called when it is had, maybe never. Taken from whoever holds it if `steal`. */
  request(onGranted: () => void, options?: { steal: boolean }): void
  post(message: unknown): void
  close(): void
}

/** What is told of the other pages. */
export interface TabListeners {
  onMessage(message: unknown): void
  /** Another page took the lock. */
  onLockLost(): void
  /** The browser gives this page no lock. */
  onLockRefused(): void
}

export type OpenTabs = (name: string, listeners: TabListeners) => Tabs | undefined

/** undefined where the browser has no locks (a page without https) or no channels, or refuses them. */
export const openBrowserTabs: OpenTabs = (name, { onMessage, onLockLost, onLockRefused }) => {
  if (!('locks' in navigator) || typeof BroadcastChannel === 'undefined') return undefined
  const { locks } = navigator
  let channel: BroadcastChannel
  try {
    channel = new BroadcastChannel(name)
  } catch {
    return undefined
  }
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => onMessage(data))
  const post = channel.postMessage.bind(channel)
  const ending = new AbortController()
  let release = (): void => undefined
  const untilReleased = new Promise<void>((resolve) => (release = resolve))
  return {
    request(onGranted, { steal } = { steal: false }) {
      locks
        .request(name, steal ? { steal } : { signal: ending.signal }, () => {
          if (ending.signal.aborted) return undefined
          onGranted()
          return untilReleased
        })
        .catch((error: unknown) => {
          if (ending.signal.aborted) return
          // By the standard whoever a lock is stolen from learns it by an AbortError.
          if (error instanceof DOMException && error.name === 'AbortError') onLockLost()
          else onLockRefused()
        })
    },
    post,
    close() {
      ending.abort()
      release()
      channel.close()
    },
  }
}
