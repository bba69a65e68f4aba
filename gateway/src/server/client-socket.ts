/**
 * A uWebSockets.js socket as the gateway sees one. uWS throws on any touch of a socket after its close, so this is
 * the one place that remembers whether it is gone.
 */
import type { WebSocket } from 'uWebSockets.js'
import type { SendOutcome } from '../core/connection/send-budget.ts'
import type { ClientHandlers, ClientSocket } from '../ports.ts'
import type { Admission } from '../gateway.ts'

/** What rides on a uWS socket: who was let in, and its client once it is open. */
export interface SocketData {
  admission: Admission
  client: UwsClientSocket | undefined
}

/** What `send` of uWebSockets.js returns: 1 sent, 0 queued behind what is unsent, 2 dropped. */
const OUTCOMES: Readonly<Record<number, SendOutcome>> = { 0: 'queued', 1: 'sent', 2: 'dropped' }

export class UwsClientSocket implements ClientSocket {
  readonly handlers: ClientHandlers
  #ws: WebSocket<SocketData> | undefined

  constructor(ws: WebSocket<SocketData>, connect: (socket: ClientSocket) => ClientHandlers) {
    this.#ws = ws
    this.handlers = connect(this)
  }

  send(message: string | Uint8Array): SendOutcome {
    return this.#ws === undefined ? 'dropped' : (OUTCOMES[this.#ws.send(message, false)] ?? 'dropped')
  }

  unsentBytes(): number {
    return this.#ws?.getBufferedAmount() ?? 0
  }

  /**
   * Sends a close frame behind what is unsent. uWS forgets the socket at once, and gives a peer that never reads a
   * few seconds before it cuts the connection.
   */
  close(code: number, reason: string): void {
    const ws = this.#ws
    this.#ws = undefined
    ws?.end(code, reason)
  }

  cut(): void {
    const ws = this.#ws
    this.#ws = undefined
    ws?.close()
  }

  /** The peer is gone, or uWS closed it. */
  gone(): void {
    this.#ws = undefined
  }
}
