/**
 * One WebSocket to a gateway, spoken by the contract alone, with no code of our client package: it hands over frames as
 * the contract knows them and says how it ended. It keeps nothing and decides nothing: raw-client.ts lets a test wait.
 */
import { parseServerMessage, type ServerFrame } from '@rhizom/protocol'
import { type ClientOptions, WebSocket } from 'ws'

export interface RawSocketOptions extends ClientOptions {
  path?: string
}

export interface RawSocketEvents {
  opened(): void
  frame(frame: ServerFrame): void
  /** Something the contract does not know. */
  misunderstood(problem: string): void
  closed(code: number, reason: string): void
  /** A message as it came, before its frames. */
  message?(text: string): void
}

export class RawSocket {
  readonly ws: WebSocket

  constructor(gateway: string, events: RawSocketEvents, { path = '/v1/sync', ...options }: RawSocketOptions = {}) {
    this.ws = new WebSocket(`${gateway.replace(/^http/, 'ws')}${path}`, options)
    this.ws.on('open', () => events.opened())
    this.ws.on('message', (data: Buffer) => {
      const text = data.toString('utf8')
      events.message?.(text)
      for (const line of parseServerMessage(text)) {
        if (!line.ok) events.misunderstood(`${line.problem} ${line.path ?? ''}`)
        else if (line.value.type !== 'ignored') events.frame(line.value)
      }
    })
    // A close always follows an error and tells the same.
    this.ws.on('error', () => this.ws.terminate())
    this.ws.on('close', (code, reason) => events.closed(code, reason.toString()))
  }

  get isOpen(): boolean {
    return this.ws.readyState === WebSocket.OPEN
  }

  get isClosed(): boolean {
    return this.ws.readyState === WebSocket.CLOSED
  }

  send(...frames: object[]): void {
    this.sendText(frames.map((frame) => JSON.stringify(frame)).join('\n'))
  }

  sendText(text: string | Buffer): void {
    this.ws.send(text)
  }

  /** Stops reading from the network, as a client that hangs. */
  pause(): void {
    this.ws.pause()
  }

  resume(): void {
    this.ws.resume()
  }

  close(): void {
    this.ws.close()
  }

  terminate(): void {
    this.ws.terminate()
  }
}
