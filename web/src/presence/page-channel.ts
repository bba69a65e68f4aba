/**
 * A channel to the other pages of this browser. While the page is left it is closed: a browser keeps no page with an open
 * one for coming back. Where there are none, or none for this page, nothing is heard and nothing said.
 */
export interface PageChannel {
  post(message: unknown): void
  /** The page is left, after its last word. */
  suspend(): void
  /** It is back. */
  resume(): void
  close(): void
}

export function openPageChannel(name: string, onMessage: (message: unknown) => void = () => undefined): PageChannel {
  let channel = open()
  let isClosed = false

  function open(): BroadcastChannel | undefined {
    try {
      const opened = new BroadcastChannel(name)
      opened.addEventListener('message', ({ data }: MessageEvent<unknown>) => onMessage(data))
      return opened
    } catch {
      return undefined
    }
  }

  function suspend(): void {
    channel?.close()
    channel = undefined
  }

  return {
    post(message) {
      const send = channel?.postMessage.bind(channel)
      send?.(message)
    },
    suspend,
    resume() {
      if (!isClosed) channel ??= open()
    },
    close() {
      isClosed = true
      suspend()
    },
  }
}
