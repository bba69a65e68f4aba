/** Frames over a WebSocket, as the contract has it first of all. */
import { RawSocket } from '@rhizom/kit/raw-socket.ts'
import type { Carrier } from './carrier.ts'

const OPTIONS = { handshakeTimeout: 1_500, perMessageDeflate: false } as const

export const socketCarrier: Carrier = {
  name: 'websocket',
  open: (url, _token, events) => new RawSocket(url, events, OPTIONS),
}
