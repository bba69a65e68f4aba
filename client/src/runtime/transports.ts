/** The transports by name. Those that a client seldom needs are loaded when it does. */
import { encodeMessage } from '@rhizom/protocol'
import type { TransportName } from '../core/transport.ts'
import type { Environment } from './environment.ts'
import { lazyTransport, type OpenTransport } from './transport.ts'

export interface TransportAddresses {
  environment: Environment
  /** Of the gateway's WebSocket. */
  syncUrl: string
  apiUrl: string
}

/** The transports of those names, in that order. */
export function transportsOf(
  names: readonly TransportName[],
  addresses: TransportAddresses,
): ReadonlyMap<TransportName, OpenTransport> {
  return new Map(names.map((name) => [name, transportOf(name, addresses)]))
}

function transportOf(name: TransportName, { environment, syncUrl, apiUrl }: TransportAddresses): OpenTransport {
  switch (name) {
    case 'websocket':
      return (handlers) => {
        const socket = environment.openSocket(syncUrl, handlers)
        return { send: (frames) => socket.send(encodeMessage(frames)), close: () => socket.close() }
      }
    case 'sse': {
      const url = `${syncUrl.replace(/^ws/, 'http')}/sse`
      return lazyTransport(async () => {
        const { eventStreamTransport } = await import('./event-stream.ts')
        return eventStreamTransport({ environment, url, apiUrl })
      })
    }
    case 'polling':
      return lazyTransport(async () => {
        const { pollingTransport } = await import('./polling.ts')
        return pollingTransport({ environment, apiUrl })
      })
    default:
      return name satisfies never
  }
}
