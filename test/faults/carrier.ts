/** What carries frames between a client and a gateway, or stands for one: opened by its address, ended once. */
import type { ServerFrame } from '@rhizom/protocol'

export interface ConnectionEvents {
  opened(): void
  frame(frame: ServerFrame): void
  /** Something the contract does not know. */
  misunderstood(problem: string): void
  closed(code: number): void
}

export interface CarriedConnection {
  readonly isOpen: boolean
  send(...frames: object[]): void
  /** Reads nothing from the network until `resume`. */
  pause(): void
  resume(): void
  close(): void
  terminate(): void
}

export interface Carrier {
  name: 'websocket' | 'sse' | 'polling'
  open(url: string, token: string, events: ConnectionEvents): CarriedConnection
}
