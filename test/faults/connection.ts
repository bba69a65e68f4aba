/**
 * One raw WebSocket to a gateway: hands over frames as the contract knows them and says how it ended. It decides
 * nothing; when to connect, come back or give up is the reconnecting's matter (reconnecting-client.ts).
 */
import { parseServerMessage } from '@rhizom/protocol'
import { WebSocket } from 'ws'
import type { CarriedConnection, Carrier, ConnectionEvents } from './carrier.ts'

const OPEN_WITHIN_MS = 1_500

/** As the contract has it first of all. */
export const socketCarrier: Carrier = {
  name: 'websocket',
  open: (url, _token, events) => new Connection(url, events),
}

class Connection implements CarriedConnection {
  readonly #socket: WebSocket

  constructor(gateway: string, events: ConnectionEvents) {
    this.#socket = new WebSocket(`${gateway.replace(/^http/, 'ws')}/v1/sync`, {
      handshakeTimeout: OPEN_WITHIN_MS,
      perMessageDeflate: false,
    })
    this.#socket.on('open', () => events.opened())
    this.#socket.on('message', (data: Buffer) => {
      for (const line of parseServerMessage(data.toString('utf8'))) {
        if (!line.ok) events.misunderstood(`${line.problem} ${line.path ?? ''}`)
        else if (line.value.type !== 'ignored') events.frame(line.value)
      }
    })
    // A close always follows an error and tells the same.
    this.#socket.on('error', () => this.#socket.terminate())
    this.#socket.on('close', (code) => events.closed(code))
  }

  send(...frames: object[]): void {
    if (this.#socket.readyState === WebSocket.OPEN)
      this.#socket.send(frames.map((frame) => JSON.stringify(frame)).join('\n'))
  }

  stopReading(): void {
    this.#socket.pause()
  }

  read(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.close()
  }

  terminate(): void {
    this.#socket.terminate()
  }
}
