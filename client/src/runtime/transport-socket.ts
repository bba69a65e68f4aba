/** A way to reach a gateway, reduced to what the connection needs: frames out, text in, and exactly one end. */
import type { ClientFrameInput } from '@rhizom/protocol'
import type { SocketHandlers } from './websocket.ts'

export interface TransportSocket {
  /** Does nothing once the socket is no longer open. */
  send(frames: readonly ClientFrameInput[]): void
  /** After it no handler is called any more. */
  close(): void
}

export type OpenTransport = (handlers: SocketHandlers) => TransportSocket
