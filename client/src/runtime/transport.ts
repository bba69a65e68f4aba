/** A way to reach a gateway, reduced to what the connection needs: frames out, text in, and exactly one end. */
import { type ClientFrameInput, encodeMessage } from '@rhizom/protocol'
import type { TransportName } from '../core/transport.ts'
import type { Environment } from './environment.ts'
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
