/**
 * A WebSocket reduced to what the client needs: text in, text out, and exactly one end. After `close()` or the end
 * no handler is called any more, so whoever let go of a socket never hears from it again.
 */
import { NO_CLOSE_FRAME } from '@rhizom/protocol'

/** What a socket tells whoever opened it. */
export interface SocketHandlers {
  onOpen(): void
  onText(text: string): void
  /** `NO_CLOSE_FRAME` where there was none. */
  onClose(code: number, reason: string): void
}

export interface ClientSocket {
  /** Does nothing once the socket is no longer open. */
  send(text: string): void
  close(): void
}

export type OpenSocket = (url: string, handlers: SocketHandlers) => ClientSocket

const GOING_AWAY = 1000

/** Opens a WebSocket of the platform (browsers, Node 22). */
export const openWebSocket: OpenSocket = (url, handlers) => {
  const socket = new WebSocket(url)
  const listening = new AbortController()
  const { signal } = listening
  const end = (code: number, reason: string) => {
    listening.abort()
    handlers.onClose(code, reason)
  }
  socket.addEventListener('open', () => handlers.onOpen(), { signal })
  socket.addEventListener(
    'message',
    (event) => {
      if (typeof event.data === 'string') handlers.onText(event.data)
    },
    { signal },
  )
  socket.addEventListener('close', (event) => end(event.code || NO_CLOSE_FRAME, event.reason), { signal })
  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text)
    },
    close() {
      listening.abort()
      // A socket that is still connecting reports its own abortion: nobody listens, which is meant.
      socket.close(GOING_AWAY)
    },
  }
}
