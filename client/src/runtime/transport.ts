/** The ways to reach a gateway; those that are rarely needed are loaded when they are. */
import { type ClientFrameInput, encodeMessage, NO_CLOSE_FRAME } from '@rhizom/protocol'
import type { TransportName } from '../core/transport.ts'
import type { Environment } from './environment.ts'
import type { OpenTransport, TransportSocket } from './transport-socket.ts'

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
