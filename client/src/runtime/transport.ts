/** A way to reach a gateway, reduced to what the connection needs: frames out, text in, and exactly one end. */
import type { ClientFrameInput } from '@rhizom/protocol'
import { NO_CLOSE_FRAME, type SocketHandlers } from './websocket.ts'

export interface TransportSocket {
  /** Does nothing once the socket is no longer open. */
  send(frames: readonly ClientFrameInput[]): void
  /** After it no handler is called any more. */
  close(): void
}

export type OpenTransport = (handlers: SocketHandlers) => TransportSocket

/**
 * A transport whose code is loaded when it is first needed. What cannot be loaded is a socket that ended: with nothing
 * reachable, neither is the code.
 */
export function lazyTransport(load: () => Promise<OpenTransport>): OpenTransport {
  return (handlers) => {
    let socket: TransportSocket | undefined
    let isClosed = false
    const waiting: ClientFrameInput[] = []
    load().then(
      (open) => {
        if (isClosed) return
        socket = open(handlers)
        if (waiting.length > 0) socket.send(waiting)
      },
      () => {
        if (!isClosed) handlers.onClose(NO_CLOSE_FRAME, '')
      },
    )
    return {
      send(frames) {
        if (socket === undefined) waiting.push(...frames)
        else socket.send(frames)
      },
      close() {
        isClosed = true
        socket?.close()
      },
    }
  }
}
